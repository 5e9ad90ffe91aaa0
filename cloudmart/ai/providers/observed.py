"""Providers whose every use is told of, whatever came of it."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from cloudmart.ai.ports import ChatModel, Scores, SentimentAnalyzer, Step, StepRequest
from cloudmart.errors import UpstreamError

Tell = Callable[[UpstreamError | None], None]
"""Hears what came of a use: the error, or None if there was an answer."""


class ObservedChat:
    """A model whose steps are told of."""

    def __init__(self, model: ChatModel, tell: Tell) -> None:
        self.name = model.name
        self._model = model
        self._tell = tell

    async def step(self, request: StepRequest) -> AsyncGenerator[Any, None]:
        try:
            async with aclosing(self._model.step(request)) as events:
                async for event in events:
                    if isinstance(event, Step):
                        self._tell(None)
                    yield event
        except UpstreamError as error:
            self._tell(error)
            raise


class ObservedSentiment:
    """An analyzer whose scores are told of."""

    def __init__(self, analyzer: SentimentAnalyzer, tell: Tell) -> None:
        self.source = analyzer.source
        self._analyzer = analyzer
        self._tell = tell

    async def score(self, texts: Sequence[str]) -> list[Scores | None]:
        try:
            scores = await self._analyzer.score(texts)
        except UpstreamError as error:
            self._tell(error)
            raise
        if any(text.strip() for text in texts):
            self._tell(None)
        return scores
