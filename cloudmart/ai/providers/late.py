"""A model whose client is opened when it is needed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Self

from cloudmart.ai.ports import ChatModel, Delta, Step, StepRequest, Usage
from cloudmart.errors import ProviderMisconfiguredError


@dataclass(eq=False, slots=True)
class _Opened:
    model: ChatModel
    stack: AsyncExitStack
    steps: int = 0


class LateChat:
    """Opens a model for its first step, and anew after it was refused.

    AWS's clients look for credentials when they are made, and one that found none never looks
    again: made at start, it could hold the start up, or be useless for as long as the process is.
    One that was refused is closed when the steps that others take with it have ended.
    """

    def __init__(
        self, name: str, open_model: Callable[[], AbstractAsyncContextManager[ChatModel]]
    ) -> None:
        self.name = name
        self._open_model = open_model
        self._current: _Opened | None = None
        self._open: set[_Opened] = set()
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for opened in list(self._open):
            await self._close(opened)

    async def step(self, request: StepRequest) -> AsyncGenerator[Delta | Usage | Step, None]:
        async with self._lent() as model, aclosing(model.step(request)) as events:
            async for event in events:
                yield event

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[ChatModel]:
        opened = await self._opened()
        opened.steps += 1
        try:
            yield opened.model
        except ProviderMisconfiguredError:
            if self._current is opened:
                self._current = None
            raise
        finally:
            opened.steps -= 1
            if opened is not self._current and not opened.steps:
                await self._close(opened)

    async def _opened(self) -> _Opened:
        async with self._opening:
            if self._current is None:
                stack = AsyncExitStack()
                model = await stack.enter_async_context(self._open_model())
                self._current = _Opened(model, stack)
                self._open.add(self._current)
            return self._current

    async def _close(self, opened: _Opened) -> None:
        self._open.discard(opened)
        await opened.stack.aclose()
