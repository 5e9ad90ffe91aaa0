"""`/api/ai/analyze-sentiment`: chats that have ended become tickets."""

from contextlib import nullcontext
from typing import Any

import boto3
import pytest

from cloudmart.ai.ports import Scores
from cloudmart.app import create_app
from cloudmart.errors import ProviderDisabledError, ProviderUnavailableError, UpstreamError
from cloudmart.settings import Settings
from cloudmart.vendors import Vendors
from tests.support.scripted_moods import ScriptedMoods
from tests.support.serving import serving

OFF = ProviderDisabledError("It is switched off.")
GLAD, CALM, ANGRY = Scores(0.8, 0.1, 0.1), Scores(0.1, 0.8, 0.1), Scores(0.1, 0.2, 0.7)


def end(settings: Settings, chat: Any, azure: ScriptedMoods, offline: ScriptedMoods) -> Any:  # noqa: ANN401
    """End a chat and return the answer and the ticket, as the admin page reads it."""
    vendors = Vendors(OFF, OFF, azure, offline)
    with serving(create_app(settings, lambda *_: nullcontext(vendors))) as client:
        answer = client.post("/api/ai/analyze-sentiment", json={"thread": chat})
        assert answer.status_code == 200, answer.text
        ticket = client.get(f"/api/tickets/{answer.json()['ticketId']}")
        return answer.json(), ticket.json()


def said(*texts: str, sender: str = "user") -> list[dict[str, str]]:
    return [{"text": text, "sender": sender} for text in texts]


def test_a_chat_becomes_a_closed_ticket_with_its_mood(settings: Settings) -> None:
    azure = ScriptedMoods("azure", [GLAD, ANGRY])
    messages = [*said("Great!"), *said("Hello.", sender="ai"), *said("Too late!")]
    chat = {"id": "thread_1", "name": "My chat", "messages": messages}

    answer, ticket = end(settings, chat, azure, ScriptedMoods("offline"))

    assert azure.asked == [["Great!", "Too late!"]]
    assert answer == {
        "threadId": "thread_1",
        "ticketId": ticket["id"],
        "sentimentScores": {"positive": 0.45, "neutral": 0.15, "negative": 0.4},
        "overallSentiment": "positive",
    }
    assert {
        name: ticket[name] for name in ticket if name not in {"id", "createdAt", "updatedAt"}
    } == {
        "status": "closed",
        "threadId": "thread_1",
        "threadName": "My chat",
        "conversation": [{"sender": m["sender"], "text": m["text"]} for m in messages],
        "truncated": False,
        "sentimentScores": answer["sentimentScores"],
        "overallSentiment": "positive",
        "sentimentSource": "azure",
        "subject": None,
        "message": None,
        "userEmail": None,
    }


@pytest.mark.parametrize(
    ("moods", "overall"),
    [
        ([GLAD, GLAD, ANGRY], "positive"),
        ([ANGRY], "negative"),
        ([CALM], "neutral"),
        ([Scores(0.5, 0.0, 0.5)], "neutral"),
        ([Scores(0.45, 0.45, 0.1)], "neutral"),
        # A tie on paper, which binary arithmetic would break.
        ([Scores(0.1, 0.0, 0.3), Scores(0.2, 0.1, 0.0), Scores(0.3, 0.0, 0.3)], "neutral"),
        ([GLAD, None], "positive"),
        ([None, None], "neutral"),
    ],
)
def test_a_mood_must_outweigh_both_others(
    settings: Settings, moods: list[Scores | None], overall: str
) -> None:
    chat = {"messages": said(*["word"] * len(moods))}

    answer, _ = end(settings, chat, ScriptedMoods("azure", moods), ScriptedMoods("offline"))

    assert answer["overallSentiment"] == overall


@pytest.mark.parametrize(
    "failure",
    [ProviderUnavailableError("Azure"), ProviderDisabledError("Azure is not configured.")],
)
def test_a_ticket_is_saved_although_azure_is_away(
    settings: Settings, failure: UpstreamError
) -> None:
    azure, offline = ScriptedMoods("azure", failure), ScriptedMoods("offline-vader", [ANGRY])

    answer, ticket = end(settings, {"messages": said("Bad!")}, azure, offline)

    assert answer["overallSentiment"] == "negative"
    assert (ticket["sentimentSource"], ticket["status"]) == ("offline-vader", "closed")


@pytest.mark.parametrize(
    "messages", [[], said("Hello.", sender="ai"), said("   ", "\n")], ids=["none", "ai", "blank"]
)
def test_a_chat_without_a_customer_s_word_is_neutral_and_asks_nobody(
    settings: Settings, messages: list[dict[str, str]]
) -> None:
    azure, offline = ScriptedMoods("azure"), ScriptedMoods("offline")

    answer, ticket = end(settings, {"messages": messages}, azure, offline)

    assert answer == {
        "threadId": None,
        "ticketId": ticket["id"],
        "sentimentScores": {"positive": 0, "neutral": 1, "negative": 0},
        "overallSentiment": "neutral",
    }
    assert azure.asked == offline.asked == []


def test_a_chat_is_never_too_long_to_end(settings: Settings) -> None:
    azure = ScriptedMoods("azure", [CALM])
    messages = said(*["ü" * 5000] * 300)

    _, ticket = end(settings, {"id": 7, "messages": messages}, azure, ScriptedMoods("offline"))

    assert ticket["threadId"] == "7"
    assert ticket["truncated"] is True
    assert {message["text"] for message in ticket["conversation"]} == {"ü" * 4000}
    assert 0 < len(ticket["conversation"]) < 200
    assert azure.asked == [["ü" * 4000] * len(ticket["conversation"])]


def test_who_ended_a_chat_must_name_themselves_again(settings: Settings) -> None:
    table, client = settings.dynamodb.conversations_table, boto3.client("dynamodb")
    thread = {"id": {"S": "thread_" + "A" * 32}}
    known = {"email": {"S": "ann@example.org"}, "pending": {"M": {}}}
    client.put_item(TableName=table, Item=thread | known | {"expiresAt": {"N": "9999999999"}})
    chat = {"id": thread["id"]["S"], "messages": []}

    end(settings, chat, ScriptedMoods("azure"), ScriptedMoods("offline"))

    stored = client.get_item(TableName=table, Key=thread)["Item"]
    assert stored == thread | {"expiresAt": {"N": "9999999999"}}
    end(settings, chat | {"id": "thread_" + "B" * 32}, ScriptedMoods("a"), ScriptedMoods("o"))
    assert client.scan(TableName=table)["Items"] == [stored]
