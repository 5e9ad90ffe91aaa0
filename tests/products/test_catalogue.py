"""The copy of the products in memory: what it may answer, and when it is read again."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from cloudmart.errors import NotFoundError, UnavailableError
from cloudmart.products import cache
from cloudmart.products.cache import CatalogueSize
from cloudmart.products.catalogue import Catalogue
from tests.products.conftest import Stock
from tests.products.world import MAX_STALE, TTL, World, listed, named, product, shown
from tests.support.cancellation import cancelled_at
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.shop_tables import KETTLE, LAMP

pytestmark = pytest.mark.asyncio

GREEN = LAMP | {"name": "Green lamp", "price": Decimal(25)}


async def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def size_of(shop: Catalogue) -> CatalogueSize:
    """Return the settings of a catalogue."""
    return shop.cache.size


async def test_what_is_read_once_is_answered_without_the_table(
    world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    await shop.cache.load(30)
    faults.calls.clear()

    for _ in range(10):
        assert sorted(await listed(shop)) == ["Desk lamp", "Kettle"]
        assert b"Desk lamp" in await shown(shop, "1")
        assert shop.offers(["1", "2"])

    assert not faults.calls


async def test_a_change_is_seen_at_once_where_it_was_made_and_elsewhere_within_the_ttl(
    world: World,
) -> None:
    here, elsewhere = world.process(), world.process()
    await listed(here), await listed(elsewhere)

    await here.change("1", named("Green lamp"))
    added = await here.add(product("Teapot"))
    await here.remove("2")

    assert sorted(await listed(here)) == ["Green lamp", "Teapot"]
    assert b"Green lamp" in await shown(here, "1")
    assert b"Teapot" in await shown(here, added.id)
    with pytest.raises(NotFoundError):
        await here.get("2")
    assert sorted(await listed(elsewhere)) == ["Desk lamp", "Kettle"]
    world.seconds += TTL
    assert sorted(await listed(elsewhere)) == ["Green lamp", "Teapot"]


async def test_the_copy_never_says_no(world: World, write_behind: Stock) -> None:
    shop = world.process()
    await listed(shop)
    write_behind(LAMP | {"id": "3", "name": "Teapot"})

    assert b"Teapot" in await shown(shop, "3")
    assert shop.offers(["1", "3"]) is None
    assert set(await shop.find_many(["1", "3"])) == {"1", "3"}


async def test_an_order_is_priced_from_a_copy_no_older_than_the_ttl(
    world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    await listed(shop)
    faults.fail(Fault.BROKEN)

    world.seconds += TTL - 0.01
    assert shop.offers(["1"])
    world.seconds += 0.02
    assert shop.offers(["1"]) is None
    with pytest.raises(UnavailableError):
        await shop.find_many(["1"])


async def test_an_id_that_memory_lacks_is_read_from_the_table(
    world: World, write_behind: Stock
) -> None:
    write_behind({"id": "4", "name": "Sign"}, KETTLE | {"price": "call us"})
    shop = world.process()
    await listed(shop)

    assert shop.offers(["1"])
    assert shop.offers(["1", "4"]) is None
    assert shop.offers(["2"]) is None


async def test_simultaneous_requests_share_one_read(world: World, faults: FaultProxy) -> None:
    shop = world.process()

    lists = await asyncio.gather(*(listed(shop) for _ in range(20)))

    assert {len(names) for names in lists} == {2}
    assert faults.calls["Scan"] == 1


async def test_without_requests_nothing_is_read(world: World, faults: FaultProxy) -> None:
    shop = world.process()
    await listed(shop)

    world.seconds += 10 * TTL
    await asyncio.sleep(0.05)

    assert faults.calls["Scan"] == 1
    await listed(shop)
    assert faults.calls["Scan"] == 2


async def test_an_unchanged_read_builds_nothing(world: World, write_behind: Stock) -> None:
    shop = world.process()
    await listed(shop)
    first = shop.cache.list_now()
    world.seconds += TTL

    await listed(shop)

    assert first is not None
    assert shop.cache.list_now() is first
    write_behind(LAMP | {"stock": 7}, KETTLE | {"name": "Old kettle"})
    world.seconds += TTL
    await listed(shop)
    second = shop.cache.list_now()
    assert second is not None
    assert second.version != first.version
    assert second.entries["1"] is first.entries["1"]


async def test_a_value_of_another_type_is_another_value(world: World, write_behind: Stock) -> None:
    write_behind(LAMP | {"name": Decimal(1)})
    shop = world.process()
    assert sorted(await listed(shop)) == ["1", "Kettle"]

    write_behind(LAMP | {"name": True})
    world.seconds += TTL

    assert sorted(await listed(shop)) == ["", "Kettle"]


async def test_the_next_read_begins_before_the_copy_is_old(
    world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    faults.fail(Fault.HANG, "Scan", times=1)
    reading = asyncio.create_task(listed(shop))
    await until(faults.hanging.is_set)
    world.seconds += 0.25
    faults.heal()
    await reading
    faults.calls.clear()

    # The read took a quarter of a second, so twice as long before its end is early enough.
    world.seconds += TTL - 0.25 - 0.5
    assert shop.cache.list_now()

    await until(lambda: faults.calls["Scan"])


async def test_a_read_that_began_before_our_change_is_dropped(
    world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    await listed(shop)
    world.seconds += TTL
    faults.fail(Fault.HANG, "Scan", times=1)
    reading = asyncio.create_task(listed(shop))
    await until(faults.hanging.is_set)

    await shop.change("1", named("Green lamp"))
    faults.heal()

    assert sorted(await reading) == ["Green lamp", "Kettle"]
    assert b"Green lamp" in await shown(shop, "1")


async def test_two_changes_of_one_product_at_once_leave_what_the_table_has(
    world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    await listed(shop)
    faults.fail(Fault.HANG, "UpdateItem", times=1)
    slow = asyncio.create_task(shop.change("1", named("Slow lamp")))
    await until(faults.hanging.is_set)

    await shop.change("1", named("Quick lamp"))

    assert b"Quick lamp" in await shown(shop, "1")
    faults.heal()
    # The call hung before it was carried out, and is made again.
    assert (await slow).name == "Slow lamp"
    assert b"Slow lamp" in await shown(shop, "1")
    assert sorted(await listed(shop)) == ["Kettle", "Slow lamp"]


async def test_after_a_lost_answer_the_product_is_read_from_the_table(
    world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    await listed(shop)
    faults.fail(Fault.LOST, "UpdateItem")

    with pytest.raises(UnavailableError):
        await shop.change("1", named("Green lamp"))

    faults.heal()
    assert b"Green lamp" in await shown(shop, "1")
    assert shop.offers(["1"]) is None
    assert sorted(await listed(shop)) == ["Green lamp", "Kettle"]
    assert shop.offers(["1"])


@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize(
    "change",
    [
        lambda shop: shop.change("1", named("Green lamp")),
        lambda shop: shop.remove("1"),
        lambda shop: shop.add(product("Teapot")),
    ],
    ids=["change", "remove", "add"],
)
async def test_a_client_that_goes_away_during_a_change_leaves_what_the_table_has(
    change: Callable[[Catalogue], Awaitable[None]], number: int, world: World
) -> None:
    shop, other = world.process(), world.process(ttl=0)
    await listed(shop)

    async def work() -> None:
        await change(shop)

    await cancelled_at(work(), number)

    # A call that was sent may be carried out after the next read. Then it is seen after the TTL.
    async with asyncio.timeout(30):
        while sorted(await listed(shop)) != sorted(await listed(other)):
            world.seconds += TTL


async def test_a_client_that_goes_away_does_not_end_the_read_others_wait_for(
    world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    faults.fail(Fault.HANG, "Scan", times=1)
    impatient = asyncio.create_task(listed(shop))
    patient = asyncio.create_task(listed(shop))
    await until(faults.hanging.is_set)

    impatient.cancel()
    faults.heal()

    assert sorted(await patient) == ["Desk lamp", "Kettle"]
    assert impatient.cancelled()


async def test_a_place_among_the_others_is_the_tables_and_not_the_order_of_changes(
    world: World,
) -> None:
    shop, other = world.process(), world.process(ttl=0)
    await listed(shop)

    for number in range(5):
        await shop.add(product(f"Teapot {number}"))
        await shop.change("1", named(f"Lamp {number}"))

    assert await listed(shop) == await listed(other)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 11])
async def test_pages_and_cursors_are_the_same_with_and_without_the_copy(
    size: int, world: World, write_behind: Stock
) -> None:
    write_behind(*(LAMP | {"id": f"{number:02}"} for number in range(20)))
    shop, other = world.process(), world.process(ttl=0)
    whole = await listed(shop)

    async def walked(catalogues: list[Catalogue]) -> list[str]:
        after: str | None = None
        seen: list[str] = []
        while True:
            catalogue = catalogues[len(seen) % len(catalogues)]
            found = await catalogue.find(after=after, page_size=size)
            page = await anext(found.pages)
            await found.pages.aclose()
            seen += [each.id for each in page.items]
            if page.last:
                return seen
            after = seen[-1]

    assert len(whole) == 22
    assert await walked([shop]) == await walked([other]) == await walked([shop, other])


async def test_a_cursor_at_a_product_that_is_gone_is_the_tables_to_follow(world: World) -> None:
    shop = world.process()
    keys = [each.id async for page in (await shop.find()).pages for each in page.items]
    await shop.remove(keys[0])

    found = await shop.find(after=keys[0], page_size=5)

    assert [each.id async for page in found.pages for each in page.items] == keys[1:]


async def test_while_dynamodb_is_away_customers_see_the_copy_with_its_age(
    world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    await listed(shop)
    faults.fail(Fault.BROKEN)

    world.seconds += TTL + 5
    whole = await shop.whole_list()
    lamp = await shop.get("1")

    assert whole is not None
    assert (whole.age, lamp.age) == (7, 7)
    assert b"Desk lamp" in whole.document.plain
    assert b"Desk lamp" in lamp.document.plain
    assert (await shop.find(containing="lamp")).age == 7
    assert world.told == [TTL + 5]
    with pytest.raises(UnavailableError):
        await shop.get("3")


async def test_a_copy_that_is_too_old_is_not_shown(world: World, faults: FaultProxy) -> None:
    shop = world.process()
    await listed(shop)
    faults.fail(Fault.BROKEN)
    world.seconds += MAX_STALE
    assert sorted(await listed(shop)) == ["Desk lamp", "Kettle"]

    world.seconds += 0.5

    assert await shop.whole_list() is None
    with pytest.raises(UnavailableError):
        await listed(shop)
    with pytest.raises(UnavailableError):
        await shop.get("1")


async def test_when_dynamodb_is_back_the_copy_is_read_and_health_shows_it(
    world: World, faults: FaultProxy, write_behind: Stock
) -> None:
    shop = world.process()
    await listed(shop)
    faults.fail(Fault.BROKEN)
    world.seconds += TTL
    await listed(shop)
    faults.heal()
    write_behind(GREEN)

    world.seconds += 1
    await listed(shop)
    await until(lambda: world.told[-1] is None)

    assert sorted(await listed(shop)) == ["Green lamp", "Kettle"]


async def test_during_an_outage_the_table_is_read_at_most_once_a_second(
    world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    await listed(shop)
    faults.fail(Fault.THROTTLED)
    world.seconds += TTL
    await listed(shop)
    faults.calls.clear()

    for _ in range(20):
        await listed(shop)
        await shop.get("1")
        await asyncio.sleep(0)

    assert not faults.calls


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.PAGE, Fault.DENIED, Fault.NO_TABLE])
async def test_any_failure_of_a_read_leaves_the_copy(
    fault: Fault, world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    await listed(shop)
    faults.fail(fault, "Scan")
    world.seconds += TTL

    assert sorted(await listed(shop)) == ["Desk lamp", "Kettle"]


async def test_if_the_first_read_fails_lists_come_from_the_table(
    world: World, faults: FaultProxy
) -> None:
    faults.fail(Fault.BROKEN)
    shop = world.process()

    await shop.cache.load(30)

    with pytest.raises(UnavailableError):
        await listed(shop)
    faults.heal()
    assert sorted(await listed(shop)) == ["Desk lamp", "Kettle"]


async def test_whoever_asks_before_the_start_is_done_does_not_put_the_first_read_off(
    world: World, faults: FaultProxy
) -> None:
    shop = world.process()
    faults.fail(Fault.BROKEN)
    with pytest.raises(UnavailableError):
        await listed(shop)
    faults.heal()

    await shop.cache.load(30)

    assert shop.ready_list()
    assert world.told in ([], [None])


async def test_a_store_that_hangs_does_not_hold_up_the_start(
    world: World, faults: FaultProxy
) -> None:
    faults.fail(Fault.HANG, "Scan")
    shop = world.process()

    await shop.cache.load(0.01)

    assert shop.cache.list_now() is None
    faults.heal()
    await shop.cache.close()


async def test_without_a_ttl_there_is_no_copy(world: World, faults: FaultProxy) -> None:
    shop = world.process(ttl=0)
    await shop.cache.load(30)

    await listed(shop), await listed(shop), await shop.get("1")

    assert (faults.calls["Scan"], faults.calls["GetItem"]) == (2, 1)
    assert (shop.offers(["1"]), shop.ready_list(), await shop.whole_list()) == (None, None, None)


async def test_a_large_catalogue_is_read_less_often_until_it_is_clearly_small(
    world: World, write_behind: Stock
) -> None:
    drawing = "data:image/svg+xml," + "x" * 100_000
    write_behind(*(LAMP | {"id": f"large{number}", "image": drawing} for number in range(10)))
    shop = world.process()
    await listed(shop)
    assert size_of(shop) is CatalogueSize.LARGE

    world.seconds += TTL + 0.1
    assert shop.cache.list_now()
    assert shop.offers(["1"]) is None
    await shop.remove("large0")
    world.seconds += cache.LARGE_EVERY
    await listed(shop)
    assert size_of(shop) is CatalogueSize.LARGE
    await shop.remove("large1")
    await shop.remove("large2")
    world.seconds += cache.LARGE_EVERY
    await listed(shop)

    assert size_of(shop) is CatalogueSize.SMALL


async def test_a_catalogue_that_is_too_large_is_read_from_the_table_until_it_is_clearly_less(
    world: World, faults: FaultProxy, write_behind: Stock
) -> None:
    text = "x" * 390_000
    write_behind(*(LAMP | {"id": f"large{number}", "image": text} for number in range(44)))
    shop = world.process()

    assert len(await listed(shop)) == 46
    assert size_of(shop) is CatalogueSize.TOO_LARGE
    assert b"Desk lamp" in await shown(shop, "1")
    assert shop.ready_list() is None

    # A slightly smaller table is not enough, and its size is not read again at once.
    await shop.remove("large0")
    await shop.remove("large1")
    faults.calls.clear()
    assert await shop.whole_list() is None
    assert not faults.calls
    world.seconds += cache.ASK_SIZE_EVERY
    assert await shop.whole_list() is None
    await until(lambda: shop.cache.reading is None)
    assert size_of(shop) is CatalogueSize.TOO_LARGE
    for number in range(2, 14):
        await shop.remove(f"large{number}")
    world.seconds += cache.ASK_SIZE_EVERY
    assert await shop.whole_list() is None
    await until(lambda: shop.cache.reading is None)
    assert size_of(shop) is CatalogueSize.LARGE
    assert shop.ready_list()
