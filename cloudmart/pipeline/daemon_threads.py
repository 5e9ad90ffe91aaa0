"""Threads for calls that block, of which none keeps the process from ending."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TypeVar

T = TypeVar("T")

Job = Callable[[], None]


class DaemonThreads:
    """Makes calls in a few threads, which are started when they are needed.

    Those of a ThreadPoolExecutor are waited for when Python ends, however long they take.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._starting = Lock()
        self._started = 0
        self._idle = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Return what a call returns, or raise what it raises; a call waits for a free thread."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - it is for whoever waits
                future.set_exception(error)

        with self._starting:
            self._jobs.put(job)
            if not self._idle and self._started < self._most:
                self._started += 1
                Thread(target=self._work, name=self._name, daemon=True).start()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Begin no more calls; the ones under way end by themselves, or with the process."""
        while True:
            try:
                self._jobs.get_nowait()
            except Empty:
                break
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        while True:
            with self._starting:
                self._idle += 1
            job = self._jobs.get()
            with self._starting:
                self._idle -= 1
            if job is None:
                return
            job()
