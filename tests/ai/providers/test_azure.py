"""Sentiment from Azure, decoded by its own SDK."""

import resource
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from cloudmart.ai.ports import Scores
from cloudmart.ai.providers.azure import AzureSentiment, open_azure_sentiment
from cloudmart.errors import (
    ProviderDisabledError,
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UpstreamError,
)
from cloudmart.settings import AzureSettings
from tests.support.azure_language import error, refused, results, scored
from tests.support.malformed_values import BOMB, NESTED
from tests.support.scripted_server import Fault, LoopbackServer, Reply, loopback

POSITIVE = Scores(0.9, 0.08, 0.02)
NEGATIVE = Scores(0.02, 0.08, 0.9)


async def test_each_text_gets_its_own_scores(azure: AzureSentiment, server: LoopbackServer) -> None:
    scores = await azure.score(["so positive", "so negative"])

    (request,) = server.requests
    assert scores == [POSITIVE, NEGATIVE]
    assert request.path == "/language/:analyze-text?api-version=2023-04-01"
    assert request.headers["ocp-apim-subscription-key"] == "key-1"
    assert request.json["parameters"]["loggingOptOut"] is True
    assert request.json["analysisInput"]["documents"] == [
        {"id": "0", "text": "so positive", "language": "de"},
        {"id": "1", "text": "so negative", "language": "de"},
    ]


async def test_more_texts_than_a_request_takes_go_in_several(
    azure: AzureSentiment, server: LoopbackServer
) -> None:
    texts = ["positive", "negative"] * 10 + ["positive"]

    scores = await azure.score(texts)

    sent = [len(request.json["analysisInput"]["documents"]) for request in server.requests]
    assert scores == [POSITIVE, NEGATIVE] * 10 + [POSITIVE]
    assert sent == [10, 10, 1]


async def test_a_text_that_is_too_long_is_scored_by_its_pieces(
    azure: AzureSentiment, server: LoopbackServer
) -> None:
    text = "positive " + "a" * 4990 + " negative " + "a" * 4980

    (scores,) = await azure.score([text])

    (request,) = server.requests
    sent = [document["text"] for document in request.json["analysisInput"]["documents"]]
    assert [len(piece) for piece in sent] == [4999, 4989]
    assert scores is not None
    assert scores.positive == pytest.approx(0.46, abs=0.001)


async def test_a_text_without_a_space_is_divided_all_the_same(azure: AzureSentiment) -> None:
    (scores,) = await azure.score(["a" * 12_001])

    assert scores is not None
    assert scores.neutral == pytest.approx(0.8)


async def test_a_document_that_is_refused_has_no_scores(
    azure: AzureSentiment, server: LoopbackServer
) -> None:
    server.play(results([scored("1", "negative")], [refused("0")]))

    assert await azure.score(["one", "two"]) == [None, NEGATIVE]


async def test_a_language_that_azure_does_not_speak_is_a_wrong_setting(
    azure: AzureSentiment, server: LoopbackServer
) -> None:
    server.play(results([], [refused(key, "UnsupportedLanguageCode") for key in "01"]))

    with pytest.raises(ProviderMisconfiguredError, match="AZURE_LANGUAGE"):
        await azure.score(["one", "two"])


async def test_why_a_document_is_refused_is_logged_unless_it_quotes_the_customer(
    azure: AzureSentiment, server: LoopbackServer
) -> None:
    server.play(results([], [refused("0", "InvalidDocument"), refused("1", "hunter2")]))

    with capture_logs() as events:
        await azure.score(["My password is hunter2, not hunter1.", "two"])

    assert [event["provider_code"] for event in events] == ["InvalidDocument", ""]


async def test_a_text_with_both_moods_is_neutral_where_they_cancel_out(
    azure: AzureSentiment,
) -> None:
    (scores,) = await azure.score(["mixed"])

    assert scores is not None
    assert scores.positive == 0
    assert scores.negative == pytest.approx(0.01)
    assert scores.neutral == pytest.approx(0.99)


async def test_a_throttled_request_is_made_once_more(
    azure: AzureSentiment, server: LoopbackServer
) -> None:
    server.play(error(429, "TooManyRequests", retry_after="0"))

    assert await azure.score(["positive"]) == [POSITIVE]
    assert len(server.requests) == 2


HTML = Reply(headers={"content-type": "text/html"}, chunks=[b"<p>A gateway's page.</p>"])
HALF = Reply(headers={"content-type": "application/json"}, chunks=[b'{"kind": "Sen'])
UNREADABLE = "it cannot be read"


@pytest.mark.parametrize(
    ("reply", "told", "requests"),
    [
        (error(401, "Unauthorized"), (ProviderMisconfiguredError, "AZURE_API_KEY"), 1),
        (error(403, "Forbidden"), (ProviderMisconfiguredError, "AZURE_API_KEY"), 1),
        (error(404, "NotFound"), (ProviderMisconfiguredError, "AZURE_ENDPOINT"), 1),
        (error(400, "InvalidRequest"), (ProviderFailedError, "refused the request"), 1),
        (error(429, "TooManyRequests", retry_after="0"), (ProviderUnavailableError, "1 s"), 2),
        (error(429, "TooManyRequests", retry_after="60"), (ProviderUnavailableError, "60 s"), 1),
        (
            error(500, "InternalServerError", retry_after="0"),
            (ProviderFailedError, "a fault of its own"),
            2,
        ),
        (error(503, "ServiceUnavailable", retry_after="0"), (ProviderUnavailableError, "1 s"), 2),
        (Reply(chunks=[Fault.RESET]), (ProviderUnavailableError, "5 s"), 2),
        (
            Reply.json(200, {"kind": "SentimentAnalysisResults"}),
            (ProviderFailedError, UNREADABLE),
            1,
        ),
        (Reply.json(200, []), (ProviderFailedError, UNREADABLE), 1),
        (HTML, (ProviderFailedError, UNREADABLE), 1),
        (HALF, (ProviderFailedError, UNREADABLE), 1),
        (results([], [refused("7")]), (ProviderFailedError, UNREADABLE), 1),
    ],
)
async def test_a_failure_gets_our_own_message(
    azure: AzureSentiment,
    server: LoopbackServer,
    reply: Reply,
    told: tuple[type[UpstreamError], str],
    requests: int,
) -> None:
    server.play(reply, reply)
    kind, words = told

    with pytest.raises(kind, match=words) as raised:
        await azure.score(["positive"])

    assert "Said by the provider" not in str(raised.value)
    assert len(server.requests) == requests


async def test_a_service_that_says_nothing_is_given_up_in_time(server: LoopbackServer) -> None:
    server.play(Reply(chunks=[Fault.HANG]))
    settings = AzureSettings(endpoint=server.url, api_key=SecretStr("key-1"))

    async with open_azure_sentiment(settings, budget=0.2) as azure:
        with pytest.raises(ProviderTimeoutError):
            await azure.score(["positive"])


async def test_a_service_that_cannot_be_reached_is_unavailable(
    azure: AzureSentiment, server: LoopbackServer
) -> None:
    server.stop()

    with pytest.raises(ProviderUnavailableError):
        await azure.score(["positive"])


async def test_azure_without_a_key_is_disabled() -> None:
    with pytest.raises(ProviderDisabledError, match="set AZURE_ENDPOINT and AZURE_API_KEY"):
        async with open_azure_sentiment(AzureSettings()):
            pass


@pytest.mark.parametrize(
    "share", [None, "0.9", -0.1, 1.5, 1e300, float("nan"), float("inf"), [], {}], ids=repr
)
async def test_an_invalid_confidence_scores_nothing(
    azure: AzureSentiment,
    server: LoopbackServer,
    share: Any,  # noqa: ANN401 - any JSON
) -> None:
    odd = scored("0", "positive")
    odd["confidenceScores"] = {"positive": share, "neutral": 0.1, "negative": 0.1}
    server.play(results([odd, scored("1", "negative")], []))

    try:
        first, second = await azure.score(["odd", "negative"])
    except ProviderFailedError:
        return

    # A number as a text is read as the number.
    assert first is None or first.positive == 0.9
    assert second is not None
    assert second.negative == 0.9


@pytest.mark.parametrize("key", ["7", "-1", "x", None, 10**40], ids=repr)
async def test_a_result_for_an_unknown_document_is_ignored(
    azure: AzureSentiment,
    server: LoopbackServer,
    key: Any,  # noqa: ANN401 - any JSON
) -> None:
    server.play(results([scored("0", "positive") | {"id": key}], []))

    assert await azure.score(["positive"]) == [None]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_customers_words_are_sent_to_azure_only(
    azure: AzureSentiment, server: LoopbackServer, status: int
) -> None:
    with loopback() as other:
        server.play(*[Reply(status, {"location": other.url})] * 2)

        with pytest.raises(ProviderFailedError, match="another address"):
            await azure.score(["positive"])

        assert other.requests == []


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("headers", "chunks"),
    [({"content-encoding": "gzip"}, [BOMB]), ({}, [b" " * 65_536] * 2400)],
    ids=["compressed", "endless"],
)
async def test_an_answer_without_end_is_not_read(
    azure: AzureSentiment,
    server: LoopbackServer,
    headers: dict[str, str],
    chunks: list[bytes],
    status: int,
) -> None:
    reply = Reply(status, {"content-type": "application/json"} | headers, chunks)
    server.play(reply, reply)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(ProviderFailedError, match="too large"):
        await azure.score(["positive"])

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


async def test_an_answer_nested_too_deep_cannot_be_read(
    azure: AzureSentiment, server: LoopbackServer
) -> None:
    server.play(Reply(200, {"content-type": "application/json"}, [NESTED.encode()]))

    with pytest.raises(ProviderFailedError, match="cannot be read"):
        await azure.score(["positive"])


@pytest.mark.parametrize("quoted", ["key-1", "My card is 4111 1111 1111 1111", "x" * 5000])
async def test_a_refusal_that_quotes_us_is_not_logged(
    azure: AzureSentiment, server: LoopbackServer, quoted: str
) -> None:
    server.play(Reply.json(401, {"error": {"code": quoted, "message": f"No: {quoted}"}}))

    with capture_logs() as events, pytest.raises(ProviderMisconfiguredError):
        await azure.score(["My card is 4111 1111 1111 1111"])

    assert quoted not in repr(events)
