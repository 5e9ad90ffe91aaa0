"""A sentiment analyzer that follows a script."""

from collections.abc import Sequence

from cloudmart.ai.ports import Scores
from cloudmart.errors import UpstreamError


class ScriptedSentiment:
    """Finds the same moods whenever it is asked, or fails, and remembers what it was asked."""

    def __init__(self, source: str, moods: Sequence[Scores | None] | UpstreamError = ()) -> None:
        self.source = source
        self.asked: list[list[str]] = []
        self._moods = moods

    async def score(self, texts: Sequence[str]) -> list[Scores | None]:
        self.asked.append(list(texts))
        if isinstance(self._moods, UpstreamError):
            raise self._moods
        return list(self._moods)
