"""What `SentimentAnalyzer` promises, tested with every analyzer."""

import pytest

from cloudmart.ai.ports import SentimentAnalyzer
from cloudmart.ai.providers.azure import AzureSentiment
from cloudmart.ai.providers.offline_sentiment import OfflineSentiment
from tests.support.scripted_server import LoopbackServer


@pytest.fixture(params=["azure", "offline"])
def analyzer(request: pytest.FixtureRequest, azure: AzureSentiment) -> SentimentAnalyzer:
    """Provide each analyzer, one after the other."""
    return azure if request.param == "azure" else OfflineSentiment()


async def test_each_text_has_scores_in_its_place(analyzer: SentimentAnalyzer) -> None:
    scores = await analyzer.score(["so positive", " ", "so negative", "a table"])

    assert scores[1] is None
    shares = [
        (one.positive > one.neutral, one.negative > one.neutral)
        for one in scores
        if one is not None
    ]
    assert shares == [(True, False), (False, True), (False, False)]


async def test_scores_are_shares_of_one(analyzer: SentimentAnalyzer) -> None:
    for one in await analyzer.score(["so positive", "so negative", "mixed"]):
        assert one is not None
        assert one.positive + one.neutral + one.negative == pytest.approx(1)


async def test_any_number_of_texts_of_any_length_will_do(analyzer: SentimentAnalyzer) -> None:
    scores = await analyzer.score(["so positive"] * 25 + ["negative " * 3000])

    assert len(scores) == 26
    assert None not in scores


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
async def test_nothing_to_read_costs_no_call(
    analyzer: SentimentAnalyzer, server: LoopbackServer, texts: list[str]
) -> None:
    assert await analyzer.score(texts) == [None] * len(texts)
    assert server.requests == []
