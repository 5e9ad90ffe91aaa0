"""A sentiment analyzer that returns what a test has chosen."""

from collections.abc import Sequence

from cloudmart.ai.ports import Scores
from cloudmart.errors import UpstreamError


class ScriptedSentiment:
    """Always returns the same sentiment, or fails, and remembers the requests."""

    def __init__(self, source: str, moods: Sequence[Scores | None] | UpstreamError = ()) -> None:
        self.source = source
        self.asked: list[list[str]] = []
        self._moods = moods

    async def score(self, texts: Sequence[str]) -> list[Scores | None]:
        self.asked.append(list(texts))
        if isinstance(self._moods, UpstreamError):
            raise self._moods
        return list(self._moods)
