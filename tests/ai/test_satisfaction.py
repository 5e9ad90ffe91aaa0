"""The satisfaction score: the mean of the last hundred chats, by the source of the rating."""

from decimal import Decimal

import pytest
from prometheus_client import REGISTRY

from cloudmart.ai.chat_archive import MOST_SCORES, SatisfactionScores
from cloudmart.ai.sentiment import NEUTRAL, ChatSentiment
from cloudmart.tickets.models import SentimentScores


def _mood(positive: str, negative: str, source: str) -> ChatSentiment:
    neutral = 1 - Decimal(positive) - Decimal(negative)
    scores = SentimentScores(
        positive=Decimal(positive), neutral=neutral, negative=Decimal(negative)
    )
    return ChatSentiment(scores, source)


def _score(source: str, what: str = "score") -> float | None:
    labels = {"source": source}
    return REGISTRY.get_sample_value(f"cloudmart_customer_satisfaction_{what}", labels)


def test_the_score_is_a_mean_by_source() -> None:
    scores = SatisfactionScores()

    scores.add(_mood("0.8", "0.1", "first"))
    scores.add(_mood("0", "0.5", "first"))
    scores.add(_mood("1", "0", "second"))

    assert _score("first") == pytest.approx((0.85 + 0.25) / 2)
    assert _score("first", "chats") == 2
    assert _score("second") == 1


def test_only_the_last_hundred_count() -> None:
    scores = SatisfactionScores()

    for _ in range(50):
        scores.add(_mood("0", "1", "third"))
    for _ in range(MOST_SCORES):
        scores.add(_mood("1", "0", "third"))

    assert _score("third") == 1
    assert _score("third", "chats") == 100


def test_there_is_no_score_while_there_is_no_chat_to_read() -> None:
    SatisfactionScores().add(ChatSentiment(NEUTRAL, "none"))

    assert _score("none") is None
    assert _score("fourth") is None
