"""Changes under conditions."""

from collections.abc import AsyncIterator

import pytest

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.expression import Expression, unchanged
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import RefusedError, Table
from cloudmart.settings import Settings
from tests.support.shop_tables import CALL_WITHIN

LAMP = {"id": "1", "name": "Lamp", "status": "new"}
EXISTS = Expression("attribute_exists(id)")


@pytest.fixture
async def table(settings: Settings) -> AsyncIterator[Table]:
    """Give a table that holds a lamp."""
    database = Database(new_session(), within=CALL_WITHIN)
    await database.open()
    table = Table(database, settings.dynamodb.products_table)
    await table.put(LAMP, new=True)
    yield table
    await database.close()


async def test_an_item_is_changed_while_its_condition_holds(table: Table) -> None:
    update = Expression("SET #status = :status REMOVE #name", {"status": "old"})

    changed = await table.amend("1", update, Expression("#status = :was", {"was": "new"}))

    assert changed == {"id": "1", "status": "old"} == await table.get("1")


async def test_a_refused_change_tells_what_is_there_instead(table: Table) -> None:
    update = Expression("SET #status = :status", {"status": "old"})

    with pytest.raises(RefusedError) as refused:
        await table.amend("1", update, Expression("#status = :was", {"was": "sold"}))
    with pytest.raises(RefusedError) as missing:
        await table.amend("2", update, EXISTS)

    assert refused.value.item == LAMP == await table.get("1")
    assert missing.value.item is None
    assert await table.get("2") is None


async def test_an_item_is_removed_only_while_its_condition_holds(table: Table) -> None:
    with pytest.raises(RefusedError):
        await table.remove_when("1", Expression("#status = :was", {"was": "sold"}))
    assert await table.get("1") == LAMP

    await table.remove_when("1", EXISTS)

    assert await table.get("1") is None


@pytest.mark.parametrize(
    ("seen", "refused"),
    [
        (LAMP, False),
        (LAMP | {"name": "Other"}, True),
        ({"id": "1", "status": "new"}, True),
        (LAMP | {"colour": "red"}, True),
    ],
)
async def test_an_item_is_unchanged_if_it_lacks_what_it_lacked(
    table: Table, seen: dict[str, str], *, refused: bool
) -> None:
    condition = unchanged(seen, ["name", "status", "colour"])
    try:
        await table.remove_when("1", condition)
    except RefusedError:
        assert refused
    else:
        assert not refused
