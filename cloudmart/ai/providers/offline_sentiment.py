"""The analyzer of a shop without Azure: a packaged lexicon."""

import asyncio
from collections.abc import Sequence

from vader import SentimentIntensityAnalyzer

from cloudmart.ai.ports import Scores

LONGEST_TEXT = 1000
"""Characters of a text that are read: a page of nothing but emoji costs 0.1 s otherwise."""

# A shop's customers ask politely and speak of cancelling; neither is a sentiment.
_MISREAD = {"cancel", "like", "please"}
_SLIGHT = 0.05


class OfflineSentiment:
    """Scores texts by their words, with VADER (Hutto and Gilbert, 2014)."""

    source = "offline-vader"

    def __init__(self) -> None:
        # Its words alone: an index of all emoji would be made twice.
        lexicon = SentimentIntensityAnalyzer(emoji={}).lexicon
        kept = {word: value for word, value in lexicon.items() if word not in _MISREAD}
        self._vader = SentimentIntensityAnalyzer(kept)

    async def score(self, texts: Sequence[str]) -> list[Scores | None]:
        scores: list[Scores | None] = []
        for text in texts:
            # Others are served between two texts.
            await asyncio.sleep(0)
            scores.append(self._score(text) if text.strip() else None)
        return scores

    def _score(self, text: str) -> Scores:
        return from_compound(self._vader.polarity_scores(text[:LONGEST_TEXT])["compound"])


def from_compound(compound: float) -> Scores:
    """Return the shares that stand for VADER's one number between -1 and 1.

    Its own three numbers are shares of words, nearly all of which are neutral in any text.
    """
    if abs(compound) < _SLIGHT:
        return Scores(positive=0.1, neutral=0.8, negative=0.1)
    winner = 0.55 + 0.45 * abs(compound)
    neutral, other = 0.7 * (1 - winner), 0.3 * (1 - winner)
    if compound > 0:
        return Scores(positive=winner, neutral=neutral, negative=other)
    return Scores(positive=other, neutral=neutral, negative=winner)
