"""Look-ups use the indexes only if no older release writes, or has written since the pass."""

from typing import Any

import pytest
from typer.testing import CliRunner

from cloudmart.app import create_app
from cloudmart.cli.commands import app
from cloudmart.settings import CatalogueSettings, DynamoDBSettings, Environment, Settings
from tests.support.fault_proxy import FaultProxy
from tests.support.ready_app import serving, still
from tests.support.shop_tables import get, put

ADDRESS = "Ann@x.org"


class OlderRelease:
    """Writes items like a release that does not know the indexes."""

    def __init__(self, dynamodb: Any, names: DynamoDBSettings) -> None:  # noqa: ANN401
        self._dynamodb = dynamodb
        self._names = names

    def places(self, key: str) -> None:
        """Write an order."""
        order = {"id": key, "userEmail": ADDRESS, "createdAt": "2026-11-01T10:00:00.000Z"}
        put(self._dynamodb, self._names.orders_table, order)

    def opens(self, key: str) -> None:
        """Write a ticket."""
        put(self._dynamodb, self._names.tickets_table, {"id": key, "status": "open"})

    def closes(self, key: str) -> None:
        """Change only the status of a ticket."""
        self._dynamodb.update_item(
            TableName=self._names.tickets_table,
            Key={"id": {"S": key}},
            UpdateExpression="SET #status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": {"S": "resolved"}},
        )


@pytest.fixture
def older(dynamodb: Any, production: DynamoDBSettings) -> OlderRelease:  # noqa: ANN401
    """Provide an older release in production."""
    return OlderRelease(dynamodb, production)


def tables(*arguments: str) -> None:
    """Run `cloudmart tables …`, which must succeed."""
    result = CliRunner().invoke(app, ["tables", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def found(names: DynamoDBSettings, email: str = "ann@X.org") -> tuple[list[str], list[str]]:
    """Return the ids of a customer's orders and of the closed tickets, as a new pod sees them."""
    no_copy = CatalogueSettings(ttl=0)
    settings = Settings(environment=Environment.LOCAL, dynamodb=names, catalogue=no_copy)
    with serving(create_app(settings, process=still(settings))) as client:
        orders = client.get("/api/orders/user", params={"email": email}).json()
        tickets = client.get("/api/tickets/status", params={"status": "closed"}).json()
    return sorted(order["id"] for order in orders), sorted(ticket["id"] for ticket in tickets)


def test_what_an_older_release_writes_is_found_at_every_stage_of_a_roll_out_and_after_going_back(
    older: OlderRelease, production: DynamoDBSettings, faults: FaultProxy
) -> None:
    older.places("before")
    older.opens("t-before")
    tables("apply")

    older.places("after-apply")
    older.opens("t-after-apply")
    older.closes("t-before")
    assert found(production) == (["after-apply", "before"], ["t-before"])
    assert faults.calls["Query"] == 0

    tables("use-indexes")
    faults.calls.clear()
    assert found(production) == (["after-apply", "before"], ["t-before"])
    assert (faults.calls["Query"], faults.calls["Scan"]) == (9, 0)

    tables("leave-indexes", "--wait", "0")
    older.places("after-going-back")
    older.closes("t-after-apply")
    assert found(production) == (
        ["after-apply", "after-going-back", "before"],
        ["t-after-apply", "t-before"],
    )

    tables("use-indexes")
    faults.calls.clear()
    assert found(production) == (
        ["after-apply", "after-going-back", "before"],
        ["t-after-apply", "t-before"],
    )
    assert (faults.calls["Query"], faults.calls["Scan"]) == (9, 0)


def test_tables_apply_corrects_what_was_written_since_a_recorded_pass(
    older: OlderRelease,
    production: DynamoDBSettings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    tables("apply")
    tables("use-indexes")
    older.places("late")
    older.opens("t-late")

    tables("apply")

    order = get(dynamodb, production.orders_table, "late") or {}
    ticket = get(dynamodb, production.tickets_table, "t-late") or {}
    assert order["emailKey"] == "ann@x.org"
    assert order["dayShard"].startswith("2026-11-01#")
    assert ticket["statusShard"].startswith("open#")
    assert ticket["createdAt"] == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize("created", [{}, {"createdAt": None}, {"createdAt": ""}, {"createdAt": 7}])
def test_a_ticket_without_a_time_is_listed_shown_and_changed_as_before(
    created: dict[str, Any],
    dynamodb: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    settings = Settings(environment=Environment.LOCAL, dynamodb=production)
    put(dynamodb, production.tickets_table, {"id": "t", "subject": "Lamp"} | created)
    with serving(create_app(settings, process=still(settings))) as client:
        before = client.get("/api/tickets/t").json()
    tables("apply")
    tables("use-indexes")

    with serving(create_app(settings, process=still(settings))) as client:
        after = client.get("/api/tickets/t").json()
        opened = client.get("/api/tickets/status?status=open").json()
        changed = client.put("/api/tickets/t", json={"status": "closed"})
        closed = client.get("/api/tickets/status?status=closed").json()

    assert after == before
    assert opened == [before]
    assert changed.status_code == 200
    assert closed == [changed.json()]
