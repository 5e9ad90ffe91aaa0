"""The process's one client: what callers get when the store fails."""

import asyncio
from collections.abc import Awaitable, Callable

import aioboto3
import pytest
from botocore import xform_name
from botocore.session import Session

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.refusals import BUSY, FAILING, MISCONFIGURED, PASSING
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.orders.indexes import ORDERS_BY_EMAIL as BY_EMAIL
from cloudmart.settings import DynamoDBSettings
from cloudmart.values.page import Pages
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.shop_tables import CALL_WITHIN

NO_OUTAGE = {Fault.HANG, Fault.UNPROCESSED, Fault.UNHEARD_OF}
"""Faults that take too long for each of these tests, or that are answers."""


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in NO_OUTAGE])
async def test_a_failing_store_gives_503_without_its_message(
    fault: Fault, faults: FaultProxy, products: Table
) -> None:
    faults.fail(fault)

    with pytest.raises(UnavailableError) as caught:
        await products.get("1")

    assert str(caught.value) == (
        "The shop's data store does not answer at the moment. Please try again."
    )
    assert caught.value.retry_after == 2


@pytest.mark.parametrize("write", ["put", "update", "remove", "upsert"])
@pytest.mark.parametrize(
    "fault", [Fault.PAGE, Fault.NOTHING, Fault.BARE, Fault.ARRAY, Fault.FORBIDDEN, Fault.NAMELESS]
)
async def test_an_answer_from_another_server_is_not_a_success(
    fault: Fault, write: str, faults: FaultProxy, products: Table
) -> None:
    writes: dict[str, Callable[[], Awaitable[object]]] = {
        "put": lambda: products.put({"id": "1"}, new=True),
        "update": lambda: products.update("1", set={"name": "Lamp"}),
        "remove": lambda: products.remove("1"),
        "upsert": lambda: products.update("1", set={"name": "Lamp"}, create=True),
    }
    faults.fail(fault)

    with pytest.raises(UnavailableError):
        await writes[write]()


@pytest.mark.parametrize("read", ["scan", "query", "get_many", "update", "upsert", "describe"])
async def test_an_empty_object_is_refused_where_an_answer_has_members(
    read: str, faults: FaultProxy, orders: Table
) -> None:
    async def first(pages: Pages[Item]) -> object:
        return await anext(pages)

    reads: dict[str, Callable[[], Awaitable[object]]] = {
        "scan": lambda: first(orders.scan()),
        "query": lambda: first(orders.query(BY_EMAIL.name, BY_EMAIL.partition, "a@x.org")),
        "get_many": lambda: orders.get_many(["1"]),
        "update": lambda: orders.update("1", set={"name": "Lamp"}, returning=True),
        "upsert": lambda: orders.update("1", set={"name": "Lamp"}, create=True, returning=True),
        "describe": orders.describe,
    }
    await orders.put({"id": "1"}, new=True)
    faults.rewrite = lambda _: b"{}"

    with pytest.raises(UnavailableError):
        await reads[read]()


async def test_an_empty_object_is_the_answer_to_a_write_and_a_missing_item(
    faults: FaultProxy, products: Table
) -> None:
    faults.rewrite = lambda _: b"{}"

    await products.put({"id": "1"}, new=True)
    assert await products.get("1") is None
    assert await products.remove("1")


def test_each_error_that_dynamodb_has_for_our_calls_is_sorted() -> None:
    model = Session().get_service_model("dynamodb")
    ours = {name for name in model.operation_names if xform_name(name) in _CALLED}
    published = {error.name for name in ours for error in model.operation_model(name).error_shapes}

    about_a_write = {"ConditionalCheckFailedException", "ItemCollectionSizeLimitExceededException"}
    assert published - PASSING == about_a_write
    assert not BUSY & FAILING | BUSY & MISCONFIGURED | FAILING & MISCONFIGURED


_CALLED = {
    *("get_item", "batch_get_item", "put_item", "update_item", "delete_item", "scan", "query"),
    "describe_table",
}


async def test_a_store_that_refuses_connections_is_unavailable(
    faults: FaultProxy, products: Table
) -> None:
    faults.stop()

    with pytest.raises(UnavailableError):
        await products.get("1")


async def test_the_same_client_works_again_once_the_store_is_back(
    faults: FaultProxy, products: Table
) -> None:
    faults.stop()
    with pytest.raises(UnavailableError):
        await products.get("1")

    faults.start()

    assert await products.get("1") is None


async def test_one_temporary_failure_stays_hidden(faults: FaultProxy, products: Table) -> None:
    faults.fail(Fault.THROTTLED, "GetItem", times=1)

    assert await products.get("1") is None
    assert faults.calls["GetItem"] == 2


async def test_a_store_that_hangs_is_given_up_before_the_caller_gives_up(
    faults: FaultProxy, hasty: Database, products: Table
) -> None:
    faults.fail(Fault.HANG)

    with pytest.raises(UnavailableError):
        await asyncio.wait_for(Table(hasty, products.name).get("1"), 30)


@pytest.mark.parametrize(("within", "of_one_try"), [(3.5, 2.5), (7, 5)])
async def test_a_try_that_is_not_answered_leaves_time_for_another(
    within: float, of_one_try: float, engine: str, session: aioboto3.Session
) -> None:
    assert engine
    database = Database(session, within=within)
    await database.open()

    assert database.client.meta.config.read_timeout == of_one_try
    await database.close()


def test_a_call_is_given_up_before_the_five_seconds_in_which_callers_are_answered() -> None:
    assert DynamoDBSettings().timeout == 3.5  # seconds


async def test_a_client_that_was_never_opened_or_was_closed_is_unavailable(
    database: Database, products: Table
) -> None:
    await database.close()

    with pytest.raises(UnavailableError, match="starting"):
        await products.get("1")


async def test_a_call_under_way_ends_with_the_client_it_began_with(
    faults: FaultProxy, database: Database, products: Table
) -> None:
    faults.fail(Fault.HANG, "GetItem", times=1)
    call = asyncio.create_task(products.get("1"))
    await asyncio.to_thread(faults.hanging.wait)

    await database.open()
    faults.heal()

    # The proxy drops the calls that hung. The client's second attempt is a new call.
    assert await asyncio.wait_for(call, CALL_WITHIN) is None
