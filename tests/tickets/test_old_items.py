"""Tickets as older releases stored them."""

import json
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.dynamodb.schema import in_shard
from cloudmart.settings import Settings
from tests.support.shop_tables import get, put

TIME = "2025-09-01T10:00:00.000Z"
CHAT = [{"sender": "user", "text": "Where is my lamp?"}, {"sender": "ai", "text": "On its way."}]
ASKED = {"sender": "user", "text": "Where is it?"}
SCORES = {"positive": 0.1, "neutral": 0.7, "negative": 0.2}
FULL = {
    "id": "old",
    "status": "closed",
    "createdAt": TIME,
    "updatedAt": TIME,
    "threadId": "thread_1",
    "threadName": "Support",
    "conversation": CHAT,
    "sentimentScores": {name: Decimal(str(share)) for name, share in SCORES.items()},
    "overallSentiment": "neutral",
    "subject": "Lamp",
    "message": "Where is it?",
    "userEmail": "ann@example.org",
}
SHOWN = FULL | {"sentimentScores": SCORES, "sentimentSource": None, "truncated": False}
BARE = {"id": "old", "status": "closed", "createdAt": TIME}
BARE_SHOWN = dict.fromkeys(SHOWN) | BARE | {"conversation": [], "truncated": False}

OLD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "today's": (FULL, SHOWN),
    "bare": (BARE, BARE_SHOWN),
    "status resolved": (FULL | {"status": "resolved"}, SHOWN),
    "conversation a string": (FULL | {"conversation": json.dumps(CHAT)}, SHOWN),
    "conversation an empty string": (
        FULL | {"conversation": ""},
        SHOWN | {"conversation": [ASKED]},
    ),
    "conversation that is none": (
        FULL | {"conversation": {"text": "Hello"}},
        SHOWN | {"conversation": [ASKED]},
    ),
    "conversation of nothing readable": (
        FULL | {"conversation": '["Hello", 7]'},
        SHOWN | {"conversation": [ASKED]},
    ),
    "scores a string": (FULL | {"sentimentScores": json.dumps(SCORES)}, SHOWN),
    "scores missing": (
        {name: value for name, value in FULL.items() if name != "sentimentScores"},
        SHOWN | {"sentimentScores": None},
    ),
    "nulls": (BARE | dict.fromkeys(["conversation", "sentimentScores", "subject"]), BARE_SHOWN),
    "half an emoji in a string": (
        FULL | {"conversation": '[{"sender": "ai", "text": "Bye \\ud83d"}]'},
        SHOWN | {"conversation": [{"sender": "ai", "text": "Bye ?"}]},
    ),
    "extra attributes": (FULL | {"assignee": "bob"}, SHOWN),
}

each_shape = pytest.mark.parametrize(("stored", "shown"), OLD.values(), ids=OLD)


@pytest.fixture(scope="module")
def client(shared_client: TestClient) -> TestClient:
    """Provide the same application to all tests."""
    return shared_client


@pytest.fixture
def table(shared_settings: Settings) -> str:
    """Provide the name of the table."""
    return shared_settings.dynamodb.tickets_table


@each_shape
def test_an_old_ticket_is_shown_alone_in_the_list_and_by_its_status(
    stored: dict[str, Any],
    shown: dict[str, Any],
    client: TestClient,
    table: str,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    put(dynamodb, table, stored)

    assert client.get("/api/tickets/old").json() == shown
    assert client.get("/api/tickets").json() == [shown]
    assert client.get("/api/tickets/status?status=closed").json() == [shown]


@each_shape
def test_an_old_ticket_is_reopened_and_then_deleted(
    stored: dict[str, Any],
    shown: dict[str, Any],
    client: TestClient,
    table: str,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    put(dynamodb, table, stored)

    answer = client.put("/api/tickets/old", json={"status": "open"})

    changes = {"status": "open", "updatedAt": answer.json()["updatedAt"]}
    assert (answer.status_code, answer.json()) == (200, shown | changes)
    ours = {"statusShard": in_shard("open", "old"), "version": 1}
    assert get(dynamodb, table, "old") == stored | changes | ours
    assert client.delete("/api/tickets/old").status_code == 200
    assert get(dynamodb, table, "old") is None


@pytest.mark.parametrize(
    "conversation",
    ["[" * 100_000, "not JSON", "NaN", '{"sender": "user"}', '[1, null, {"text": 7}]', "[[[]]]"],
)
def test_a_conversation_that_cannot_be_read_breaks_no_list(
    conversation: str,
    client: TestClient,
    table: str,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    put(dynamodb, table, FULL | {"conversation": conversation}, BARE | {"id": "other"})

    tickets = client.get("/api/tickets").json()

    assert sorted(ticket["id"] for ticket in tickets) == ["old", "other"]
