"""How satisfied customers sounded in the last chats that this process ended."""

from collections import defaultdict, deque

from cloudmart.ai.sentiment import NOBODY, ChatSentiment
from cloudmart.observability.metrics import SATISFACTION, SATISFACTION_CHATS

LAST = 100
"""Chats over which the score is a mean."""


class SatisfactionScores:
    """Keeps the scores of the last chats, by who read them."""

    def __init__(self) -> None:
        self._scores: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=LAST))

    def add(self, mood: ChatSentiment) -> None:
        """Count a chat, unless it had no word to read."""
        if mood.source == NOBODY:
            return
        scores = self._scores[mood.source]
        scores.append(float(1 + mood.scores.positive - mood.scores.negative) / 2)
        SATISFACTION.labels(mood.source).set(sum(scores) / len(scores))
        SATISFACTION_CHATS.labels(mood.source).set(len(scores))
