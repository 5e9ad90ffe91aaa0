"""The secret that makes ids from idempotency keys: where it is stored, copied from, or missing."""

from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from cloudmart.app import create_app
from cloudmart.cli.commands import app
from cloudmart.orders.internal_items import BACKFILL, ORDER_SECRET, note_item
from cloudmart.settings import Settings
from cloudmart.values.ids import derived_id
from tests.support.ready_app import serving, still
from tests.support.shop_tables import ENVIRONMENT, get, put

pytestmark = pytest.mark.usefixtures("stocked")

KEY = {"Idempotency-Key": "checkout-7"}
LAMP = {"productId": "1", "quantity": 1}
SECRET = "ab" * 32


def place(client: TestClient, headers: dict[str, str] = KEY) -> dict[str, Any]:
    """Place an order and return it."""
    answer = client.post("/api/orders", json=LAMP, headers=headers)
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.json()
    return order


def remove_old_notes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Run the command."""
    for variable, field in ENVIRONMENT.items():
        monkeypatch.setenv(variable, getattr(settings.dynamodb, field))
    return CliRunner().invoke(app, ["tables", "remove-old-notes"], catch_exceptions=False)


def test_a_new_secret_is_kept_among_the_conversations_and_nothing_among_the_orders(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    order = place(client)

    stored = get(dynamodb, settings.dynamodb.conversations_table, ORDER_SECRET) or {}
    assert order["id"] == derived_id(bytes.fromhex(stored["secret"]), KEY["Idempotency-Key"])
    orders = dynamodb.scan(TableName=settings.dynamodb.orders_table)["Items"]
    assert [item["id"]["S"] for item in orders] == [order["id"]]


def test_the_secret_of_a_release_before_is_copied_so_that_a_key_makes_the_same_order(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    old = note_item(ORDER_SECRET, secret=SECRET)
    put(dynamodb, settings.dynamodb.orders_table, old)

    order = place(client)

    copy = get(dynamodb, settings.dynamodb.conversations_table, ORDER_SECRET) or {}
    assert order["id"] == derived_id(bytes.fromhex(SECRET), KEY["Idempotency-Key"])
    assert copy["secret"] == SECRET
    assert get(dynamodb, settings.dynamodb.orders_table, ORDER_SECRET) == old
    assert client.get("/api/orders").json() == [order]


def test_without_the_conversations_orders_with_a_key_are_refused_and_others_placed(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    put(dynamodb, settings.dynamodb.orders_table, note_item(ORDER_SECRET, secret=SECRET))
    dynamodb.delete_table(TableName=settings.dynamodb.conversations_table)

    refused = client.post("/api/orders", json=LAMP, headers=KEY)
    placed = client.post("/api/orders", json=LAMP)

    assert (refused.status_code, placed.status_code) == (503, 201)
    assert refused.json()["error"].startswith(
        "Orders with an Idempotency-Key cannot be placed at the moment: the conversations table"
    )
    assert client.get("/api/orders").json() == [placed.json()]


def test_a_process_keeps_the_secret_that_it_has_read(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    first = place(client)
    dynamodb.delete_table(TableName=settings.dynamodb.conversations_table)

    assert place(client) == first


def test_old_notes_are_removed_once_the_secret_is_copied(
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orders = settings.dynamodb.orders_table
    put(dynamodb, orders, note_item(ORDER_SECRET, secret=SECRET), note_item(BACKFILL))

    early = remove_old_notes(settings, monkeypatch)
    kept = get(dynamodb, orders, ORDER_SECRET)
    with serving(create_app(settings, process=still(settings))) as client:
        first = place(client)
    late = remove_old_notes(settings, monkeypatch)
    with serving(create_app(settings, process=still(settings))) as client:
        again = place(client)

    assert (early.exit_code, late.exit_code) == (1, 0)
    assert "nothing was removed" in early.output
    assert kept is not None
    assert again == first
    assert [get(dynamodb, orders, key) for key in (ORDER_SECRET, BACKFILL)] == [None, None]


def test_a_secret_that_an_older_release_made_for_itself_is_removed_and_reported(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = place(client)
    put(dynamodb, settings.dynamodb.orders_table, note_item(ORDER_SECRET, secret=SECRET))

    removed = remove_old_notes(settings, monkeypatch)

    assert removed.exit_code == 0
    assert "was another than the service's" in " ".join(removed.output.split())
    assert get(dynamodb, settings.dynamodb.orders_table, ORDER_SECRET) is None
    assert place(client) == first


def test_a_note_among_the_conversations_is_not_a_conversation(client: TestClient) -> None:
    place(client)

    for path, name in (("", "threadId"), ("/bedrock", "conversationId")):
        body = {name: ORDER_SECRET, "message": "Hello"}
        answer = client.post(f"/api/ai{path}/message", json=body)

        assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("table", ["orders_table", "conversations_table"])
@pytest.mark.parametrize("secret", [None, "", "abcd", "no hex", Decimal(7), {"a"}, ["a"]])
def test_a_secret_that_cannot_be_read_makes_no_id_that_could_be_guessed(
    table: str,
    secret: object,
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    put(dynamodb, getattr(settings.dynamodb, table), {"id": ORDER_SECRET, "secret": secret})

    answer = client.post("/api/orders", json=LAMP, headers=KEY)

    assert answer.status_code == 503
    assert "Orders without a key are accepted." in answer.json()["error"]
    place(client, {})
