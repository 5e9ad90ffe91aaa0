"""A model whose client is opened when it is needed."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from typing import Self

from cloudmart.ai.ports import ChatModel, Delta, Step, StepRequest
from cloudmart.errors import ProviderMisconfiguredError


class LateChat:
    """Opens a model for its first step, and anew after it was refused.

    AWS's clients look for credentials when they are made, and one that found none never looks
    again: made at start, it could hold the start up, or be useless for as long as the process is.
    """

    def __init__(
        self, name: str, open_model: Callable[[], AbstractAsyncContextManager[ChatModel]]
    ) -> None:
        self.name = name
        self._open_model = open_model
        self._model: ChatModel | None = None
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def step(self, request: StepRequest) -> AsyncGenerator[Delta | Step, None]:
        model = await self._opened()
        try:
            async with aclosing(model.step(request)) as events:
                async for event in events:
                    yield event
        except ProviderMisconfiguredError:
            await self._drop(model)
            raise

    async def _opened(self) -> ChatModel:
        async with self._opening:
            if self._model is None:
                self._model = await self._stack.enter_async_context(self._open_model())
            return self._model

    async def _drop(self, model: ChatModel) -> None:
        async with self._opening:
            if self._model is model:
                self._model = None
                await self._stack.aclose()
