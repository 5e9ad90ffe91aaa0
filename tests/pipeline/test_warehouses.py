"""What every warehouse promises, tested with DuckDB and with a BigQuery emulator."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from cloudmart.local.duckdb_warehouse import DuckDBWarehouse, duckdb_connection
from cloudmart.pipeline.carry.bigquery import open_warehouse
from cloudmart.pipeline.ports import OrderState, Warehouse
from cloudmart.pipeline.rows import OrderEvent, Row
from tests.support.orders_table import new_table

BEFORE = datetime(2026, 11, 20, tzinfo=UTC)


@contextmanager
def on_duckdb(_: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """Provide the warehouse of local mode."""
    with duckdb_connection() as connection:
        yield DuckDBWarehouse(connection)


@contextmanager
def on_bigquery(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """Provide BigQuery's adapter on an emulator."""
    url: str = request.getfixturevalue("bigquery_emulator")
    settings = new_table(url)
    with open_warehouse(settings) as warehouse:
        yield warehouse


@pytest.fixture(params=[on_duckdb, on_bigquery], ids=["duckdb", "bigquery"])
def each_warehouse(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """Provide an empty warehouse of each kind."""
    with request.param(request) as warehouse:
        yield warehouse


def row(
    key: str, event: str = "INSERT", *, created: str = "23T08", updated: str = "23T08", **more: str
) -> Row:
    """Return a row. Its times are a day and an hour of November."""
    item = {
        "id": key,
        "total": Decimal("7.10"),
        "createdAt": f"2026-11-{created}:00:00.000Z",
        "updatedAt": f"2026-11-{updated}:00:00.000Z",
        **more,
    }
    return Row.of_item(item, OrderEvent(event))


def test_a_state_is_what_an_order_was_after_its_last_event(each_warehouse: Warehouse) -> None:
    each_warehouse.insert(
        {
            "2": row("a", "MODIFY", updated="23T10", status="Shipped"),
            "1": row("a"),
            "3": row("b", "REMOVE", updated="23T09"),
            "4": row("b", updated="23T09"),
            "5": row("c", created="19T08"),
        }
    )

    states = {state.id: state for state in each_warehouse.states(BEFORE)}

    assert states.keys() == {"a", "b"}
    assert states["a"] == OrderState(
        id="a",
        status="Shipped",
        total=Decimal("7.10"),
        created_at=datetime(2026, 11, 23, 8, tzinfo=UTC),
        updated_at=datetime(2026, 11, 23, 10, tzinfo=UTC),
        event=OrderEvent.MODIFY,
    )
    assert states["b"].removed


def test_test_orders_are_found_by_their_id_only(each_warehouse: Warehouse) -> None:
    each_warehouse.insert({"1": row("a"), "2": row("t", userEmail="a@VERIFY.invalid")})

    assert [state.id for state in each_warehouse.states(BEFORE)] == ["a"]
    assert each_warehouse.ids(BEFORE) == {"a"}
    assert each_warehouse.find("t", BEFORE) is not None
    assert [state.id for state in each_warehouse.find_many(["t"])] == ["t"]


def test_an_event_that_comes_again_at_once_is_one_row(each_warehouse: Warehouse) -> None:
    for _ in range(2):
        assert each_warehouse.insert({"1": row("a"), "2": row("b")}) == {}

    assert sorted(state.id for state in each_warehouse.states(BEFORE)) == ["a", "b"]
    assert each_warehouse.count_created(date(2026, 11, 23)) == 2


def test_orders_of_a_day_are_counted_of_customers_alone_and_without_removed_ones(
    each_warehouse: Warehouse,
) -> None:
    each_warehouse.insert(
        {
            "1": row("a", created="23T00"),
            "2": row("b", created="23T23"),
            "3": row("b", "REMOVE", created="23T23"),
            "4": row("c", created="24T00"),
            "5": row("heartbeat-1"),
            "6": row("t", userEmail="a@Verify.invalid"),
        }
    )

    assert each_warehouse.count_created(date(2026, 11, 23)) == 1
    assert each_warehouse.count_created(date(2026, 11, 22)) == 0


def test_the_newest_is_the_one_that_was_created_last_and_no_heartbeat(
    each_warehouse: Warehouse,
) -> None:
    assert each_warehouse.newest() is None

    each_warehouse.insert(
        {
            "1": row("a", created="23T08"),
            "2": row("b", created="23T09"),
            "3": row("a", "MODIFY", created="23T08", updated="24T09"),
            "4": row("heartbeat-1", created="24T09"),
            "5": row("t", created="24T10", userEmail="a@verify.invalid"),
        }
    )

    newest = each_warehouse.newest()
    assert newest
    assert newest.id == "b"


def test_one_order_is_found_by_its_id(each_warehouse: Warehouse) -> None:
    each_warehouse.insert({"1": row("heartbeat-1"), "2": row("a"), "3": row("b")})

    found = each_warehouse.find("heartbeat-1", BEFORE)

    assert found
    assert found.id == "heartbeat-1"
    assert each_warehouse.find("c", BEFORE) is None
    assert each_warehouse.find("a", datetime(2026, 11, 24, tzinfo=UTC)) is None


def test_many_orders_are_found_by_one_question(each_warehouse: Warehouse) -> None:
    each_warehouse.insert({"1": row("a"), "2": row("b", "REMOVE"), "3": row("c")})

    found = {state.id: state.removed for state in each_warehouse.find_many(["a", "b", "none"])}

    assert found == {"a": False, "b": True}
    assert list(each_warehouse.find_many([])) == []


def test_the_ids_since_a_moment_are_those_of_orders_created_since(
    each_warehouse: Warehouse,
) -> None:
    each_warehouse.insert({"1": row("a", created="19T08"), "2": row("b"), "3": row("b", "MODIFY")})

    assert each_warehouse.ids(BEFORE) == {"b"}


def test_a_repair_comes_after_a_change_and_before_a_removal(each_warehouse: Warehouse) -> None:
    each_warehouse.insert(
        {
            "1": row("a", "MODIFY_REPAIR", status="Shipped"),
            "2": row("a", "MODIFY"),
            "3": row("b", "MODIFY_REPAIR"),
            "4": row("b", "REMOVE"),
        }
    )

    states = {state.id: state for state in each_warehouse.states(BEFORE)}

    assert (states["a"].status, states["b"].removed) == ("Shipped", True)


@pytest.mark.parametrize("total", [float("nan"), float("inf"), 1e300])
def test_an_invalid_amount_is_unknown(total: float, each_warehouse: Warehouse) -> None:
    if not isinstance(each_warehouse, DuckDBWarehouse) and total != 1e300:
        pytest.skip("JSON has no such number")
    each_warehouse.insert({"1": row("a").model_copy(update={"total_amount": total})})

    (state,) = each_warehouse.states(BEFORE)

    assert state.total is None


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("event", ["UPSERT", "", None])
def test_foreign_rows_are_left_out_and_counted(
    event: str | None, each_warehouse: Warehouse
) -> None:
    foreign = row("a", "MODIFY", updated="24T08").model_copy(update={"event_type": event})
    each_warehouse.insert({"1": row("a"), "2": foreign, "3": row("b")})

    states = {state.id: state.event for state in each_warehouse.states(BEFORE)}

    assert states == {"a": OrderEvent.INSERT, "b": OrderEvent.INSERT}
    assert each_warehouse.count_unreadable(BEFORE) == 1
    assert each_warehouse.count_unreadable(datetime(2026, 11, 24, tzinfo=UTC)) == 0


def test_a_table_made_for_rows_has_no_fault(each_warehouse: Warehouse) -> None:
    assert list(each_warehouse.schema_faults()) == []
