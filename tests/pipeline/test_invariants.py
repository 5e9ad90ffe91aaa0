"""Rules for the live data: what breaks each, and which pod checks it."""

import math
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import Table
from cloudmart.local.duckdb_warehouse import DuckDBWarehouse
from cloudmart.pipeline.invariants.checks import Invariants, opening_before
from cloudmart.pipeline.invariants.schedule import InvariantSchedule
from cloudmart.pipeline.orders_by_day import OrdersByDay
from cloudmart.pipeline.watch.query_threads import Questions
from cloudmart.products.catalogue import Catalogue
from cloudmart.products.repository import ProductRepository
from cloudmart.settings import CatalogueSettings, InvariantSettings, Settings
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.pipeline_status import Orders, insert
from tests.support.shop_tables import CALL_WITHIN, LAMP, let_use_indexes, put

HOUR = 3600
LINE = {"productId": "1", "name": "Lamp", "quantity": 2, "price": Decimal("19.99")}
WHOLE = {"items": [LINE], "total": Decimal("39.98")}


@pytest_asyncio.fixture
async def database(
    faults: FaultProxy,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> AsyncIterator[Database]:
    """Provide a client of the DynamoDB behind the proxy, which uses its indexes."""
    assert faults.port
    let_use_indexes(dynamodb, settings.dynamodb)
    database = Database(new_session(), within=CALL_WITHIN)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def questions(warehouse: DuckDBWarehouse) -> Any:  # noqa: ANN401 - closed by its end
    """Provide a BigQuery that answers."""
    questions = Questions(lambda: nullcontext(warehouse))
    yield questions
    questions.close()


def invariants(
    database: Database,
    settings: Settings,
    told: InvariantSettings | None = None,
    questions: Questions | str = "BigQuery is off.",
    **options: Any,  # noqa: ANN401 - its own
) -> Invariants:
    """Return the checks of a shop."""
    names = settings.dynamodb
    orders = OrdersByDay(
        Table(database, names.orders_table), Table(database, names.conversations_table)
    )
    products = ProductRepository(Table(database, names.products_table))
    catalogue = Catalogue(products, CatalogueSettings(ttl=0))
    return Invariants(orders, questions, catalogue, told or InvariantSettings(), **options)


async def test_a_shop_in_order_contradicts_nothing(
    database: Database,
    settings: Settings,
    order: Orders,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    order("a", **WHOLE)
    put(dynamodb, settings.dynamodb.products_table, LAMP | {"image": "https://x.org/1.png"})

    found = await invariants(database, settings).check()

    assert {name: result.violations for name, result in found.items()} == {
        "order_totals": 0,
        "products_complete": 0,
    }
    assert found["order_totals"].units > 0


async def test_an_order_whose_total_is_not_its_lines_is_found(
    database: Database, settings: Settings, order: Orders
) -> None:
    order("a", **WHOLE)
    order("b", **WHOLE | {"total": Decimal("39.97")})
    order("c", **WHOLE | {"total": "a lot"})
    order("old", ago=30 * HOUR, **WHOLE | {"total": Decimal(1)})

    found = (await invariants(database, settings).check())["order_totals"]

    assert found.violations == 2
    assert sorted(found.examples) == ["b", "c"]


@pytest.mark.parametrize(
    "lacking", [{"image": ""}, {"image": " "}, {"price": "free"}, {"price": Decimal(-1)}]
)
async def test_a_product_without_picture_or_price_is_found(
    database: Database,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
    lacking: dict[str, Any],
) -> None:
    whole = LAMP | {"image": "https://x.org/1.png"}
    put(dynamodb, settings.dynamodb.products_table, whole, whole | {"id": "9"} | lacking)

    found = (await invariants(database, settings).check())["products_complete"]

    assert found.violations == 1
    assert list(found.examples) == ["9"]


async def test_an_order_without_a_row_is_found_once_it_should_have_one(
    database: Database,
    settings: Settings,
    order: Orders,
    questions: Questions,
    warehouse: DuckDBWarehouse,
) -> None:
    insert(warehouse, order("there", ago=HOUR, **WHOLE))
    order("lost", ago=HOUR, **WHOLE)
    order("on-its-way", ago=60, **WHOLE)

    found = (await invariants(database, settings, questions=questions).check())[
        "orders_in_bigquery"
    ]

    assert found.violations == 1
    assert list(found.examples) == ["lost"]


@pytest.mark.parametrize(("ago", "silent"), [(10, 0), (2 * HOUR, 1), (40 * HOUR, 1)])
async def test_a_silence_that_is_too_long_is_found(
    database: Database, settings: Settings, order: Orders, ago: int, silent: int
) -> None:
    order("a", ago=ago, **WHOLE)

    found = await invariants(database, settings, InvariantSettings(order_silence=60)).check()

    assert found["orders_arrive"].violations == silent


NIGHT = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "hours", "zone", "opened"),
    [
        (NOON, ("08:00", "22:00"), "UTC", datetime(2026, 11, 28, 8, tzinfo=UTC)),
        (NIGHT, ("08:00", "22:00"), "UTC", None),
        (NIGHT, ("22:00", "04:00"), "UTC", datetime(2026, 11, 27, 22, tzinfo=UTC)),
        (NOON, ("22:00", "04:00"), "UTC", None),
        (NOON, ("08:00", "22:00"), "Asia/Tokyo", datetime(2026, 11, 27, 23, tzinfo=UTC)),
        (NIGHT, ("00:00", "00:00"), "UTC", NIGHT - timedelta(days=2)),
    ],
)
def test_orders_are_expected_in_the_hours_of_the_shop(
    moment: datetime, hours: tuple[str, str], zone: str, opened: datetime | None
) -> None:
    assert opening_before(moment, InvariantSettings(hours=hours, zone=zone)) == opened


async def test_what_would_cost_too_much_is_not_known(
    database: Database, settings: Settings, order: Orders
) -> None:
    for number in range(4):
        order(f"a{number}", **WHOLE)

    found = (await invariants(database, settings, most_units=0.1).check())["order_totals"]

    assert found.violations is None
    assert found.why == "A check may read 0 units of DynamoDB, and needs more."


def _sample(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(f"cloudmart_invariant_{name}", labels)
    return math.nan if value is None else value


async def test_one_pod_checks_and_the_figures_are_its(
    database: Database, settings: Settings, order: Orders
) -> None:
    order("b", **WHOLE | {"total": Decimal(1)})
    notes = Table(database, settings.dynamodb.conversations_table)
    one, other = (InvariantSchedule(invariants(database, settings), notes, 900) for _ in range(2))
    due = datetime.now(UTC)
    broken = _sample("checks_total", invariant="order_totals", outcome="broken")
    read = _sample("read_units_total", invariant="order_totals")
    units = (await invariants(database, settings).check())["order_totals"].units

    with capture_logs() as events:
        await one.check(due)
        await other.check(due)

    assert _sample("violations", invariant="order_totals") == 1
    assert _sample("checked_timestamp_seconds", invariant="order_totals") == pytest.approx(
        due.timestamp(), abs=600
    )
    more = _sample("checks_total", invariant="order_totals", outcome="broken")
    assert more - (0 if math.isnan(broken) else broken) == 1
    assert units > 0
    more = _sample("read_units_total", invariant="order_totals")
    assert more - (0 if math.isnan(read) else read) == pytest.approx(units)
    assert [each for each in events if each["event"] == "invariant_broken"] == [
        {
            "event": "invariant_broken",
            "log_level": "warning",
            "invariant": "order_totals",
            "violations": 1,
            "order_ids": ["b"],
            "product_ids": [],
        }
    ]

    later = due + timedelta(seconds=900)
    await other.check(later)
    await one.check(later)

    assert math.isnan(_sample("violations", invariant="order_totals"))


async def test_figures_are_taken_back_while_the_store_is_away(
    database: Database, settings: Settings, order: Orders, faults: FaultProxy
) -> None:
    order("b", **WHOLE)
    notes = Table(database, settings.dynamodb.conversations_table)
    schedule = InvariantSchedule(invariants(database, settings), notes, 900)
    due = datetime.now(UTC)
    await schedule.check(due)
    assert _sample("violations", invariant="order_totals") == 0

    faults.fail(Fault.DENIED)
    await schedule.check(due + timedelta(seconds=900))

    assert math.isnan(_sample("violations", invariant="order_totals"))


async def test_a_shop_whose_index_is_not_usable_knows_nothing_of_its_orders(
    database: Database, settings: Settings, order: Orders, faults: FaultProxy
) -> None:
    order("b", **WHOLE)
    faults.fail(Fault.DENIED, "Query")

    found = await invariants(database, settings).check()

    assert found["order_totals"].violations is None
    assert found["order_totals"].why
    assert found["products_complete"].violations == 0
