"""What the log has of a chat: neither its id nor any of its words."""

import logging
from contextlib import nullcontext

import pytest
from structlog.testing import capture_logs

from cloudmart.ai.ports import ToolCall
from cloudmart.app import create_app
from cloudmart.composition.providers import Providers
from cloudmart.errors import ProviderFailedError, ProviderMisconfiguredError
from cloudmart.settings import Settings
from tests.support.aws import aws_client
from tests.support.ready_app import serving, still
from tests.support.scripted_chat import ScriptedChat
from tests.support.scripted_sentiment import ScriptedSentiment

WORDS = "Pale blue lamps for ann@example.org"
SCRIPT = (
    "Hello.",
    ToolCall("1", "get_order", '{"order_id": "99999999"}'),
    ProviderFailedError("OpenAI", "it was cut off"),
    ProviderMisconfiguredError("OpenAI", "OPENAI_API_KEY"),
)


def test_no_id_of_a_chat_and_no_word_of_it_is_logged(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    chat, moods = ScriptedChat(*SCRIPT), ScriptedSentiment("none")
    app = create_app(
        settings,
        lambda *_: nullcontext(Providers(chat, chat, moods, moods)),
        process=still(settings),
    )

    with capture_logs() as events, serving(app) as client:
        thread = client.post("/api/ai/start").json()
        question = thread | {"message": WORDS}
        statuses = [client.post("/api/ai/message", json=question).status_code for _ in range(4)]
        # Another turn holds the lock now, so the conversation is busy.
        _lock(settings, thread["threadId"])
        statuses.append(client.post("/api/ai/message", json=question).status_code)
        unknown = {"threadId": "thread_" + "A" * 32, "message": WORDS}
        statuses.append(client.post("/api/ai/message", json=unknown).status_code)
        ended = {"id": thread["threadId"], "messages": [{"sender": "user", "text": WORDS}]}
        statuses.append(
            client.post("/api/ai/analyze-sentiment", json={"thread": ended}).status_code
        )

    logged = repr(events) + caplog.text
    assert statuses == [200, 502, 503, 500, 409, 404, 200]
    assert "request_failed" in logged
    for secret in (thread["threadId"], unknown["threadId"], "Pale blue", "ann@example.org"):
        assert secret not in logged, secret


def _lock(settings: Settings, thread: str) -> None:
    aws_client("dynamodb").update_item(
        TableName=settings.dynamodb.conversations_table,
        Key={"id": {"S": thread}},
        UpdateExpression="SET lockUntil = :until",
        ExpressionAttributeValues={":until": {"N": "9999999999"}},
    )
