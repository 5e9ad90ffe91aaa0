"""`/api/tickets`, over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.dynamodb.schema import in_shard
from cloudmart.settings import Settings
from cloudmart.tickets.indexes import ticket_keys
from tests.support.fault_proxy import FaultProxy
from tests.support.shop_tables import get, let_use_indexes, put

ABSENT = {
    "threadId": None,
    "threadName": None,
    "sentimentScores": None,
    "overallSentiment": None,
    "sentimentSource": None,
    "truncated": False,
}
ASKED = {
    "subject": "Where is my lamp?",
    "message": "It was to come on Monday.",
    "userEmail": "ann@example.org",
    "conversation": [{"sender": "user", "text": "Hello"}, {"sender": "ai", "text": "Hello!"}],
}


def test_a_ticket_is_opened(client: TestClient) -> None:
    answer = client.post("/api/tickets", json=ASKED)

    ticket = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/tickets/{ticket['id']}"
    made = {name: ticket[name] for name in ("id", "createdAt", "updatedAt")}
    assert ticket == ASKED | ABSENT | made | {"status": "open"}
    assert client.get(answer.headers["Location"]).json() == ticket


def test_a_message_without_a_conversation_is_its_first_entry(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    first = [{"sender": "user", "text": "It was to come on Monday."}]
    ticket = client.post("/api/tickets", json=ASKED | {"conversation": []}).json()
    stored = {"id": "old", "message": first[0]["text"], "conversation": []}
    put(dynamodb, settings.dynamodb.tickets_table, stored)

    shown = {each["id"]: each["conversation"] for each in client.get("/api/tickets").json()}

    assert ticket["conversation"] == first
    assert shown == {ticket["id"]: first, "old": first}
    assert client.get("/api/tickets/old").json()["message"] == first[0]["text"]


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys(ASKED), {"userEmail": " "}])
def test_a_ticket_may_say_nothing(nothing: dict[str, Any], shared_client: TestClient) -> None:
    ticket = shared_client.post("/api/tickets", json=nothing).json()

    assert {name: ticket[name] for name in ("subject", "message", "userEmail", "conversation")} == {
        "subject": None,
        "message": None,
        "userEmail": None,
        "conversation": [],
    }


def test_what_a_ticket_does_not_have_is_not_stored(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    ticket = client.post("/api/tickets", json={"userEmail": ""}).json()

    stored = get(dynamodb, settings.dynamodb.tickets_table, ticket["id"])
    assert stored == {name: ticket[name] for name in ("id", "createdAt", "updatedAt")} | {
        "status": "open",
        "statusShard": in_shard("open", ticket["id"]),
        "version": 1,
        "conversation": [],
        "truncated": False,
    }


def test_a_long_conversation_is_cut_and_says_so(client: TestClient) -> None:
    chat = [{"sender": "user", "text": f"{number} " + "x" * 4000} for number in range(210)]

    ticket = client.post("/api/tickets", json={"conversation": chat}).json()

    assert ticket["truncated"] is True
    assert len(ticket["conversation"]) < 200
    assert ticket["conversation"][-1] == {"sender": "user", "text": chat[-1]["text"][:4000]}
    assert client.get(f"/api/tickets/{ticket['id']}").json() == ticket


@pytest.mark.parametrize(
    ("name", "value", "pointer"),
    [
        ("subject", "x" * 201, "/subject"),
        ("message", "x" * 4001, "/message"),
        ("subject", "NUL \0", "/subject"),
        ("userEmail", "ann", "/userEmail"),
        ("conversation", "[]", "/conversation"),
        ("conversation", [{"text": "Hello"}], "/conversation/0/sender"),
        ("conversation", [{"sender": "bot", "text": "Hello"}], "/conversation/0/sender"),
        ("conversation", [{"sender": "user"}], "/conversation/0/text"),
        ("conversation", [{"sender": "user", "text": 7}], "/conversation/0/text"),
    ],
)
def test_what_is_wrong_with_a_ticket_is_pointed_at(
    name: str, value: object, pointer: str, shared_client: TestClient
) -> None:
    answer = shared_client.post("/api/tickets", json=ASKED | {name: value})

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_a_status_is_changed_and_nothing_else(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    ticket = client.post("/api/tickets", json=ASKED).json()
    stored = get(dynamodb, settings.dynamodb.tickets_table, ticket["id"]) or {}
    put(dynamodb, settings.dynamodb.tickets_table, stored | {"assignee": "bob"})

    answer = client.put(f"/api/tickets/{ticket['id']}", json={"status": "in_progress"})

    changes = {"status": "in_progress", "updatedAt": answer.json()["updatedAt"]}
    assert (answer.status_code, answer.json()) == (200, ticket | changes)
    assert get(dynamodb, settings.dynamodb.tickets_table, ticket["id"]) == stored | changes | {
        "assignee": "bob",
        "statusShard": in_shard("in_progress", ticket["id"]),
        "version": 2,
    }


@pytest.mark.parametrize("status", ["resolved", "done", "", None, 1])
def test_an_unknown_status_is_refused(status: object, shared_client: TestClient) -> None:
    client = shared_client
    ticket = client.post("/api/tickets", json=ASKED).json()

    changed = client.put(f"/api/tickets/{ticket['id']}", json={"status": status})
    listed = client.get("/api/tickets/status", params={"status": str(status)})

    assert (changed.status_code, listed.status_code) == (422, 422)
    assert [fault["pointer"] for fault in changed.json()["errors"]] == ["/status"]
    assert [fault["pointer"] for fault in listed.json()["errors"]] == ["/query/status"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_ticket_is_not_found_and_not_created(method: str, client: TestClient) -> None:
    answer = client.request(method, "/api/tickets/nope", json={"status": "closed"})

    assert answer.status_code == 404
    assert answer.json()["error"] == "Ticket 'nope' does not exist."
    assert client.get("/api/tickets").json() == []


def test_a_deleted_ticket_is_gone(client: TestClient) -> None:
    place = client.post("/api/tickets", json=ASKED).headers["Location"]

    answer = client.delete(place)

    assert (answer.status_code, answer.json()) == (200, {"message": "Ticket deleted successfully"})
    assert [client.get(place).status_code, client.delete(place).status_code] == [404, 404]


@pytest.mark.parametrize("indexed", [True, False])
def test_tickets_of_a_status_are_found_with_and_without_the_index(
    indexed: bool,  # noqa: FBT001 - a parameter of the test
    faults: FaultProxy,
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    if indexed:
        let_use_indexes(dynamodb, settings.dynamodb)
    statuses = ["open", "closed", "resolved", "in_progress", "closed", "resolved", "open"]
    for number, status in enumerate(statuses):
        moment = f"2026-01-0{number + 1}T00:00:00.000Z"
        ticket = {"id": str(number), "status": status, "createdAt": moment}
        put(dynamodb, settings.dynamodb.tickets_table, ticket | ticket_keys(ticket))

    found = {
        status: client.get("/api/tickets/status", params={"status": status}).json()
        for status in ("open", "in_progress", "closed")
    }

    ids = {status: [ticket["id"] for ticket in tickets] for status, tickets in found.items()}
    if not indexed:  # a scan has no order
        ids = {status: sorted(keys, reverse=True) for status, keys in ids.items()}
    assert ids == {"open": ["6", "0"], "in_progress": ["3"], "closed": ["5", "4", "2", "1"]}
    assert {ticket["status"] for ticket in found["closed"]} == {"closed"}
    assert bool(faults.calls["Query"]) == indexed
