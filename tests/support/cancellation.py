"""Simulates a client that disconnects: its task is cancelled at a chosen await."""

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any


@types.coroutine
def _cancelled_at(work: Coroutine[Any, Any, Any], number: int) -> Generator[Any, Any, Any]:
    """Run a coroutine, and cancel its task at the given await."""
    waits = 0
    resume: Callable[[], Any] = partial(work.send, None)
    while True:
        try:
            waited_for = resume()
        except StopIteration as end:
            return end.value
        waits += 1
        if waits == number:
            task = asyncio.current_task()
            assert task is not None
            # The cancellation arrives at the await that is reached now.
            task.cancel()
        try:
            value = yield waited_for
        except BaseException as error:  # noqa: BLE001 - whatever comes is handed on
            resume = partial(work.throw, error)
        else:
            resume = partial(work.send, value)


async def cancelled_at(work: Coroutine[Any, Any, Any], number: int) -> bool:
    """Cancel a coroutine at its nth await. Return False if it ended before."""

    async def run() -> None:
        await _cancelled_at(work, number)

    task = asyncio.create_task(run())
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
    return task.cancelled()
