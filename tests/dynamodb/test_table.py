"""The operations of a table, tested through the engine."""

import asyncio
from decimal import Decimal

import pytest

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.expression import Default, Increment, unchanged
from cloudmart.dynamodb.table import RefusedError, Table
from cloudmart.errors import ConflictError, ItemTooLargeError, UnavailableError
from tests.support.fault_proxy import Fault, FaultProxy

LAMP = {"id": "1", "name": "Desk lamp", "price": Decimal("19.99"), "stock": Decimal(7)}


async def test_a_new_item_never_overwrites_one(products: Table) -> None:
    await products.put(LAMP, new=True)

    with pytest.raises(ConflictError):
        await products.put(LAMP | {"name": "Kettle"}, new=True)

    assert await products.get("1") == LAMP


async def test_of_two_writers_of_one_new_item_the_second_gets_a_conflict(products: Table) -> None:
    await products.put(LAMP, new=True)

    with pytest.raises(ConflictError):
        await products.put(LAMP, new=True)


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.CUT])
async def test_a_write_whose_answer_was_lost_is_not_a_conflict_with_itself(
    fault: Fault, faults: FaultProxy, products: Table
) -> None:
    faults.fail(fault, "PutItem", times=1)

    await products.put(LAMP, new=True)

    assert await products.get("1") == LAMP
    assert faults.calls["PutItem"] == 2


async def test_a_write_that_is_tried_again_still_conflicts_with_anothers(
    faults: FaultProxy, products: Table
) -> None:
    await products.put(LAMP | {"name": "Kettle"}, new=True)
    faults.fail(Fault.RESET, "PutItem", times=1)

    with pytest.raises(ConflictError):
        await products.put(LAMP, new=True)


SOLD = {"stock": Decimal(6)}
"""The same change, which two writers make."""


async def test_of_two_writers_of_the_same_change_the_second_is_refused(products: Table) -> None:
    await products.put(LAMP, new=True)
    in_stock = unchanged(LAMP, ["stock"])
    await products.update("1", set=SOLD, when=in_stock)

    with pytest.raises(RefusedError) as refused:
        await products.update("1", set=SOLD, when=in_stock)

    assert refused.value.item == LAMP | {"stock": Decimal(6)}


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.CUT])
async def test_a_change_whose_answer_was_lost_is_not_refused_for_its_own_sake(
    fault: Fault, faults: FaultProxy, products: Table
) -> None:
    await products.put(LAMP, new=True)
    faults.fail(fault, "UpdateItem", times=1)

    in_stock = unchanged(LAMP, ["stock"])
    changed = await products.update("1", set=SOLD, when=in_stock, returning=True)

    assert changed == LAMP | {"stock": Decimal(6)}
    assert faults.calls["UpdateItem"] == 2


async def test_a_count_whose_answer_was_lost_is_not_taken_for_anothers(
    faults: FaultProxy, products: Table
) -> None:
    await products.put(LAMP, new=True)
    faults.fail(Fault.LOST, "UpdateItem", times=1)

    one_less = {"stock": Increment(-1)}
    with pytest.raises(RefusedError) as refused:
        await products.update("1", set=one_less, when=unchanged(LAMP, ["stock"]))

    assert refused.value.item == LAMP | {"stock": Decimal(6)}


async def test_an_item_is_created_only_where_that_is_asked_for(products: Table) -> None:
    changes = {"name": "Lamp", "stock": Increment(2), "price": Default(Decimal(5))}

    await products.update("1", set=changes, create=True)
    await products.update("1", set=changes | {"price": Default(Decimal(9))}, create=True)

    assert await products.get("1") == {
        "id": "1",
        "name": "Lamp",
        "stock": Decimal(4),
        "price": Decimal(5),
    }


async def test_a_member_of_a_document_is_counted_and_removed(products: Table) -> None:
    await products.put({"id": "1", "pending": {"tries": 1, "code": "x"}}, new=True)

    changes = {"pending.tries": Increment(1), "pending.code": None}
    changed = await products.update("1", set=changes, returning=True)

    assert changed == {"id": "1", "pending": {"tries": Decimal(2)}}


async def test_an_update_keeps_what_it_does_not_name(products: Table) -> None:
    await products.put(LAMP, new=True)

    changes = {"name": "Kettle", "price": Decimal("29.5")}
    changed = await products.update("1", set=changes, returning=True)

    assert changed == LAMP | {"name": "Kettle", "price": Decimal("29.5")}
    assert await products.get("1") == changed


async def test_updates_of_two_people_are_both_kept(products: Table) -> None:
    await products.put(LAMP, new=True)

    await asyncio.gather(
        *(products.update("1", set={f"note{number}": "x"}) for number in range(20)),
        *(products.update("1", set={"name": f"Lamp {number}"}) for number in range(20)),
    )

    item = await products.get("1")
    assert item is not None
    assert {f"note{number}" for number in range(20)} < item.keys()
    assert (item["price"], item["stock"]) == (Decimal("19.99"), 7)


async def test_what_does_not_exist_is_neither_updated_nor_removed_nor_created(
    products: Table,
) -> None:
    assert await products.update("1", set={"name": "Ghost"}) is None
    assert await products.remove("1") is False
    assert await products.get("1") is None


async def test_an_item_is_removed_once(products: Table) -> None:
    await products.put(LAMP, new=True)

    assert [await products.remove("1"), await products.remove("1")] == [True, False]


async def test_an_item_whose_removal_got_no_answer_is_removed(
    faults: FaultProxy, products: Table
) -> None:
    await products.put(LAMP, new=True)
    faults.fail(Fault.LOST, "DeleteItem", times=1)

    assert await products.remove("1") is True
    assert await products.get("1") is None


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.LIMITED])
async def test_a_removal_that_is_tried_twice_does_not_report_a_removed_item(
    fault: Fault, faults: FaultProxy, products: Table
) -> None:
    faults.fail(fault, "DeleteItem", times=1)

    assert await products.remove("1") is False


async def test_many_items_are_read_at_once_whatever_is_missing_or_named_twice(
    faults: FaultProxy, products: Table
) -> None:
    for number in range(99):
        await products.put(LAMP | {"id": str(number)}, new=True)

    found = await products.get_many([*map(str, range(100)), "1"], ["name"])

    assert found == {str(n): {"id": str(n), "name": "Desk lamp"} for n in range(99)}
    assert faults.calls["BatchGetItem"] == 1


async def test_keys_that_dynamodb_left_out_are_asked_for_again(
    faults: FaultProxy, products: Table
) -> None:
    for number in range(10):
        await products.put(LAMP | {"id": str(number)}, new=True)
    faults.fail(Fault.UNPROCESSED, "BatchGetItem", times=3)

    found = await products.get_many([str(number) for number in range(10)], ["name"])

    assert len(found) == 10
    assert faults.calls["BatchGetItem"] == 4


async def test_keys_that_dynamodb_keeps_leaving_out_are_unavailable(
    faults: FaultProxy, hasty: Database, products: Table
) -> None:
    faults.fail(Fault.UNPROCESSED, "BatchGetItem")

    with pytest.raises(UnavailableError):
        await Table(hasty, products.name).get_many(["1"], ["name"])


async def test_a_scan_filters_items_and_continues_where_it_ended(
    products: Table,
) -> None:
    for number in range(10):
        name = "Kettle" if number % 2 else "Lamp"
        await products.put({"id": str(number), "name": name, "other": name}, new=True)

    pages = [page async for page in products.scan(page_size=3, attributes=["name"])]

    items = [item for page in pages for item in page.items]
    ids = [item["id"] for item in items]
    assert sorted(ids) == [str(number) for number in range(10)]
    assert {frozenset(item) for item in items} == {frozenset(("id", "name"))}
    assert max(len(page.items) for page in pages) <= 3
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    rest = [item["id"] async for page in products.scan(after=ids[2]) for item in page.items]
    assert rest == ids[3:]


async def test_a_scan_reads_no_page_before_it_is_asked_for(
    faults: FaultProxy, products: Table
) -> None:
    for number in range(10):
        await products.put({"id": str(number)}, new=True)
    pages = products.scan(page_size=2)

    await anext(pages)
    await anext(pages)

    assert faults.calls["Scan"] == 2
    await pages.aclose()


async def test_an_item_that_would_grow_too_large_is_refused(products: Table) -> None:
    with pytest.raises(ItemTooLargeError):
        await products.put(LAMP | {"description": "x" * 410_000}, new=True)

    await products.put(LAMP | {"description": "x" * 400_000}, new=True)
    with pytest.raises(ItemTooLargeError):
        await products.update("1", set={"name": "x" * 20_000})
