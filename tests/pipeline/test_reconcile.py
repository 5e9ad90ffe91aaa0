"""Both sides compared and repaired, after lost and incomplete changes."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from cloudmart.composition.clients import open_database
from cloudmart.dynamodb.schema import in_shard
from cloudmart.dynamodb.session import new_session
from cloudmart.errors import UnavailableError
from cloudmart.local.duckdb_warehouse import DuckDBWarehouse
from cloudmart.orders.internal_items import note_item
from cloudmart.pipeline.opening import Pipeline
from cloudmart.pipeline.ports import RowFault
from cloudmart.pipeline.repair.reconcile import Comparison, DifferenceKind, Reconciler
from cloudmart.pipeline.repair.replay import Replay, ReplayResult
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.pipeline.watch.query_threads import Questions
from cloudmart.settings import Settings
from cloudmart.values.timestamp import stamp
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.shop_tables import forget_indexes, let_use_indexes, put
from tests.support.watched_pipeline import ending_in

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=3)

Put = Callable[..., None]


def order(key: str, *, hours: float = 30, later: float = 0, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an order that was created some hours ago, and perhaps changed later."""
    created = NOW - timedelta(hours=hours)
    return {
        "id": key,
        "items": [{"productId": "1", "name": "Lamp", "quantity": 1, "price": 7}],
        "total": 7,
        "status": "Pending",
        "createdAt": stamp(created),
        "updatedAt": stamp(created + timedelta(hours=later)),
        "dayShard": in_shard(stamp(created)[:10], key),
        **more,
    }


class Reluctant(DuckDBWarehouse):
    """A warehouse that refuses some rows, fails for some time, or gets a row meanwhile."""

    refused: Mapping[str, RowFault] = {}
    away = 0
    meanwhile: Callable[[], object] | None = None

    def insert(self, rows: Mapping[str, Row]) -> Mapping[str, RowFault]:
        if self.away:
            self.away -= 1
            return dict.fromkeys(rows, RowFault(passing=True, reason="backendError"))
        faults = {
            event: self.refused[row.id] for event, row in rows.items() if row.id in self.refused
        }
        if not faults:
            return super().insert(rows)
        return dict.fromkeys(rows, RowFault(passing=True, reason="stopped")) | faults

    def states(self, since: datetime) -> Any:  # noqa: ANN401
        found = list(super().states(since))
        if self.meanwhile:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        return iter(found)


class Counted(Questions):
    """Counts the queries to a warehouse."""

    def __init__(self, questions: Questions, tell: Callable[[object], None]) -> None:
        self._questions = questions
        self._tell = tell

    async def ask(self, question: Any) -> Any:  # noqa: ANN401 - whatever is asked
        self._tell(question)
        return await self._questions.ask(question)


@pytest.fixture
def reluctant(warehouse: DuckDBWarehouse) -> Reluctant:
    """Provide a warehouse that can fail."""
    return Reluctant(warehouse.connection)


@pytest_asyncio.fixture
async def pipeline(
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
    reluctant: Reluctant,
) -> AsyncIterator[Pipeline]:
    """Provide a pipeline that carries nothing by itself."""
    let_use_indexes(dynamodb, settings.dynamodb)
    async with (
        open_database(settings) as database,
        ending_in(reluctant)(settings, new_session(), database) as pipeline,
    ):
        yield pipeline


@pytest.fixture
def placed(dynamodb: Any, settings: Settings) -> Put:  # noqa: ANN401
    """Provide a function that writes orders that never reach the stream."""
    return lambda *orders: put(dynamodb, settings.dynamodb.orders_table, *orders)


def arrived(warehouse: DuckDBWarehouse, *orders: Mapping[str, Any], event: str = "INSERT") -> None:
    """Insert rows of some orders."""
    rows = {
        f"{each['id']} {each['updatedAt']} {event}": Row.of_item(each, OrderEvent(event))
        for each in orders
    }
    DuckDBWarehouse(warehouse.connection).insert(rows)


def questions_of(pipeline: Pipeline) -> Questions:
    """Return the warehouse of a pipeline."""
    assert isinstance(pipeline.questions, Questions)
    return pipeline.questions


async def compared(pipeline: Pipeline) -> Comparison:
    """Compare both sides."""
    reconciler = Reconciler(pipeline.orders, questions_of(pipeline), settle=0)
    return await reconciler.since(SINCE, lambda *_: None)


async def replayed(pipeline: Pipeline, *, patience: float = 60) -> ReplayResult:
    """Repair what differs."""
    differences = (await compared(pipeline)).differences
    return await Replay(questions_of(pipeline), patience=patience).send(differences, lambda _: None)


def kinds(comparison: Comparison) -> dict[str, DifferenceKind]:
    """Return the differences, by order."""
    return {each.id: each.kind for each in comparison.differences}


def number_of_rows(warehouse: DuckDBWarehouse) -> int:
    """Return how many rows there are."""
    with warehouse.connection.cursor() as cursor:
        ((number,),) = cursor.execute("select count(*) from orders").fetchall()
    return int(number)


async def test_test_orders_are_left_out(
    pipeline: Pipeline,
    placed: Put,
    reluctant: Reluctant,
    dynamodb: Any,  # noqa: ANN401 - boto3's
    settings: Settings,
) -> None:
    lost = order("t", userEmail="run-1@verify.invalid")
    known = order("u", userEmail="run-2@verify.invalid")
    placed(lost, known)
    arrived(reluctant, known)

    by_day = await compared(pipeline)
    forget_indexes(dynamodb, settings.dynamodb)
    by_scan = await compared(pipeline)

    assert (by_day.compared, by_day.differences) == (0, [])
    assert (by_scan.compared, by_scan.differences) == (0, [])


async def test_sides_that_agree_have_no_difference(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    old_shape = {
        **order("0000000a"),
        "total": None,
        "totalAmount": "19.99",
        "status": "cancelled",
        "customerEmail": "ann@example.org",
    }
    changed = order("b", later=2, status="Shipped")
    removed = order("c")
    placed(
        order("a"),
        changed,
        old_shape,
        note_item("heartbeat-1", dayShard=in_shard(stamp(NOW)[:10], "heartbeat-1")),
    )
    arrived(reluctant, order("a"), order("b"), old_shape, removed, note_item("heartbeat-2"))
    arrived(reluctant, changed, event="MODIFY")
    arrived(reluctant, removed, event="REMOVE")

    comparison = await compared(pipeline)

    assert comparison == Comparison(compared=3)


async def test_each_kind_of_difference_is_found(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(
        order("missing"),
        order("different", later=1, status="Shipped"),
        order("unreadable", items="three lamps"),
        order("alike"),
        order("too-old", hours=100),
    )
    arrived(reluctant, order("different"), order("remaining"), order("alike"))

    comparison = await compared(pipeline)

    assert kinds(comparison) == {
        "missing": DifferenceKind.MISSING,
        "different": DifferenceKind.DIFFERENT,
        "unreadable": DifferenceKind.UNREADABLE,
        "remaining": DifferenceKind.REMAINING,
    }
    assert comparison.compared == 4
    (unreadable,) = (each for each in comparison.differences if each.id == "unreadable")
    assert unreadable.why == "items: is not a list"


async def test_a_replay_corrects_the_differences_and_a_second_one_does_nothing(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(order("missing"), order("different", later=1, status="Shipped"), order("alike"))
    arrived(reluctant, order("different"), order("remaining"), order("alike"))

    first = await replayed(pipeline)
    rows = number_of_rows(reluctant)
    second = await replayed(pipeline)

    assert sorted(first.sent) == ["different", "missing", "remaining"]
    assert (first.failed, second) == ({}, ReplayResult())
    assert number_of_rows(reluctant) == rows == 6
    assert (await compared(pipeline)).differences == []


async def test_an_interrupted_replay_can_be_repeated_without_double_rows(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(order("a"), order("b"))
    differences = (await compared(pipeline)).differences
    replay = Replay(questions_of(pipeline))

    await replay.send(differences[:1], lambda _: None)
    await replay.send(differences, lambda _: None)

    assert number_of_rows(reluctant) == 2


async def test_what_arrives_while_it_is_compared_is_not_a_difference(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(order("a"))
    reluctant.meanwhile = lambda: arrived(reluctant, order("a"))

    assert await compared(pipeline) == Comparison(compared=1)


async def test_a_row_that_is_newer_than_its_order_is_reported_and_left(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(order("a"))
    arrived(reluctant, order("a", later=5, status="Shipped"), event="MODIFY")

    done = await replayed(pipeline)

    assert done.sent == []
    assert done.failed["a"].startswith("BigQuery's last row is newer than the order")


@pytest.mark.parametrize("event", ["INSERT", "MODIFY", "MODIFY_REPAIR", "REMOVE"])
async def test_a_wrong_row_of_the_last_change_is_corrected(
    event: str, pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(order("a"))
    arrived(reluctant, order("a", total=0), event=event)
    before = kinds(await compared(pipeline))

    done = await replayed(pipeline)

    assert (before, done.sent, done.failed) == ({"a": DifferenceKind.DIFFERENT}, ["a"], {})
    assert kinds(await compared(pipeline)) == {}


async def test_a_corrected_order_changes_and_is_removed_like_any_other(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(order("a"), order("b"), order("c"))
    arrived(reluctant, order("a", total=0), order("b", total=0), event="MODIFY")
    arrived(reluctant, order("c"), event="REMOVE")
    await replayed(pipeline)

    changed = order("a", later=1, status="Shipped")
    placed(changed)
    arrived(reluctant, changed, event="MODIFY")
    await pipeline.orders.table.remove("b")
    arrived(reluctant, order("b"), event="REMOVE")
    after = kinds(await compared(pipeline))
    await pipeline.orders.table.remove("c")
    await replayed(pipeline)

    assert after == {}
    assert kinds(await compared(pipeline)) == {}


async def test_rows_of_an_unknown_event_are_counted_and_the_rest_is_compared(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(order("a"), order("b"))
    arrived(reluctant, order("a"), order("b"), order("c"))
    with reluctant.connection.cursor() as cursor:
        cursor.execute("update orders set eventType = 'UPSERT' where id = 'b'")
        cursor.execute("update orders set eventType = NULL where id = 'c'")

    comparison = await compared(pipeline)

    assert kinds(comparison) == {"b": DifferenceKind.MISSING}
    assert comparison.unreadable == 2


async def test_orders_in_quarantine_are_looked_for_by_one_question(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    many = [order(f"a{number}") for number in range(120)]
    placed(*many)
    arrived(reluctant, *many[:60])
    asked: list[object] = []
    reconciler = Reconciler(
        pipeline.orders, Counted(questions_of(pipeline), asked.append), settle=0
    )

    differences = await reconciler.of([each["id"] for each in many])

    assert sorted(each.id for each in differences) == sorted(each["id"] for each in many[60:])
    assert len(asked) == 1


async def test_without_the_index_the_command_reads_the_table_and_says_so(
    pipeline: Pipeline,
    placed: Put,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    placed(order("a"), order("b", hours=100))
    forget_indexes(dynamodb, settings.dynamodb)

    comparison = await compared(pipeline)

    assert kinds(comparison) == {"a": DifferenceKind.MISSING}
    assert comparison.scanned
    assert "no complete pass over the items is recorded" in comparison.scanned


@pytest.fixture(params=["by the index", "by a scan"])
def way(request: pytest.FixtureRequest, dynamodb: Any, settings: Settings) -> str:  # noqa: ANN401
    """Provide each way to read orders, one after the other."""
    if request.param == "by the index":
        let_use_indexes(dynamodb, settings.dynamodb)
    return str(request.param)


@pytest.mark.usefixtures("way")
async def test_a_store_that_is_busy_for_a_moment_is_waited_for(
    placed: Put,
    reluctant: Reluctant,
    settings: Settings,
    faults: FaultProxy,
) -> None:
    placed(*(order(f"order-{number}") for number in range(3)))
    async with (
        open_database(settings) as database,
        ending_in(reluctant)(settings, new_session(), database) as pipeline,
    ):
        faults.fail(Fault.THROTTLED, "Query", "Scan", "BatchGetItem", times=4)
        comparison = await compared(pipeline)

    assert comparison.compared == len(comparison.differences) == 3


async def test_a_store_that_denies_access_is_not_retried(
    dynamodb: Any,  # noqa: ANN401
    reluctant: Reluctant,
    settings: Settings,
    faults: FaultProxy,
) -> None:
    let_use_indexes(dynamodb, settings.dynamodb)
    async with (
        open_database(settings) as database,
        ending_in(reluctant)(settings, new_session(), database) as pipeline,
    ):
        faults.fail(Fault.DENIED, "Query")
        with pytest.raises(UnavailableError):
            await compared(pipeline)

    assert faults.calls["Query"] == 1


async def test_a_warehouse_that_is_away_for_a_moment_is_waited_for(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(order("a"))
    reluctant.away = 2

    assert (await replayed(pipeline)).sent == ["a"]


async def test_a_warehouse_that_stays_away_ends_the_replay(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(order("a"))
    reluctant.away = 1000

    with pytest.raises(UnavailableError, match="backendError"):
        await replayed(pipeline, patience=0.5)


async def test_a_row_that_is_refused_for_good_holds_up_no_other(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(order("a"), order("b"), order("c"))
    reluctant.refused = {"b": RowFault(passing=False, reason="invalid", column="createdAt")}

    done = await replayed(pipeline)

    assert sorted(done.sent) == ["a", "c"]
    assert done.failed == {"b": "createdAt: invalid"}


async def test_replay_corrects_everything_after_a_long_outage(
    pipeline: Pipeline, placed: Put, reluctant: Reluctant
) -> None:
    placed(*(order(f"order-{number}", hours=number / 20) for number in range(1200)))

    done = await replayed(pipeline)

    assert len(done.sent) == 1200
    assert number_of_rows(reluctant) == 1200
    assert (await compared(pipeline)) == Comparison(compared=1200)
