"""Sentiment by a lexicon."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmart.ai.ports import Scores
from cloudmart.ai.providers.offline_sentiment import OfflineSentiment, from_compound


def mood(scores: Scores | None) -> str:
    """Return the name of the largest score."""
    assert scores is not None
    shares = {"+": scores.positive, "=": scores.neutral, "-": scores.negative}
    return max(shares, key=lambda share: shares[share])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thank you, that was really helpful!", "+"),
        ("The lamp is beautiful, I love it.", "+"),
        ("Great service 😀", "+"),
        ("This is terrible, my parcel arrived broken.", "-"),
        ("I am very angry: nobody answers me!", "-"),
        ("Not good at all.", "-"),
        ("Where is my order?", "="),
        ("Can you cancel order ab12cd34?", "="),
        ("Please delete my order.", "="),
        ("I would like a lamp.", "="),
        ("12345", "="),
    ],
)
async def test_a_mood_is_read(text: str, expected: str) -> None:
    (scores,) = await OfflineSentiment().score([text])

    assert mood(scores) == expected


async def test_blank_texts_have_no_scores() -> None:
    scores = await OfflineSentiment().score(["", " \n", "Great!"])

    assert scores[:2] == [None, None]
    assert mood(scores[2]) == "+"


async def test_others_are_served_between_two_texts() -> None:
    order: list[str] = []

    async def other() -> None:
        order.append("other")

    async def scoring() -> None:
        await OfflineSentiment().score(["Great!"] * 3)
        order.append("scores")

    await asyncio.gather(scoring(), other())

    assert order == ["other", "scores"]


@given(st.floats(-1, 1))
def test_shares_add_up_to_one_and_the_greatest_is_the_mood(compound: float) -> None:
    scores = from_compound(compound)

    assert scores.positive + scores.neutral + scores.negative == pytest.approx(1)
    assert min(scores.positive, scores.neutral, scores.negative) >= 0
    expected = "=" if abs(compound) < 0.05 else "+" if compound > 0 else "-"
    assert mood(scores) == expected
