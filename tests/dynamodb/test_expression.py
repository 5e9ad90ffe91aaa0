"""Changes under conditions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.expression import Condition, unchanged
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import RefusedError, Table
from cloudmart.settings import Settings
from tests.support.shop_tables import CALL_WITHIN

PACKAGE = Path(__file__).parents[2] / "cloudmart"
LAMP = {"id": "1", "name": "Lamp", "status": "new"}


@pytest.fixture
async def table(settings: Settings) -> AsyncIterator[Table]:
    """Provide a table that holds a lamp."""
    database = Database(new_session(), within=CALL_WITHIN)
    await database.open()
    table = Table(database, settings.dynamodb.products_table)
    await table.put(LAMP, new=True)
    yield table
    await database.close()


async def test_an_item_is_changed_while_its_condition_holds(table: Table) -> None:
    changes = {"status": "old", "name": None}

    new = Condition("#status = :was", {"was": "new"})
    changed = await table.update("1", set=changes, when=new, returning=True)

    assert changed == {"id": "1", "status": "old"} == await table.get("1")


async def test_a_refused_change_tells_what_is_there_instead(table: Table) -> None:
    sold = Condition("#status = :was", {"was": "sold"})

    with pytest.raises(RefusedError) as refused:
        await table.update("1", set={"status": "old"}, when=sold)
    missing = await table.update("2", set={"status": "old"}, when=sold)

    assert refused.value.item == LAMP == await table.get("1")
    assert missing is None
    assert await table.get("2") is None


async def test_a_condition_of_alternatives_does_not_bring_an_item_about(table: Table) -> None:
    unsold = Condition("attribute_not_exists(#status) OR #status = :new", {"new": "new"})

    changed = await table.update("1", set={"status": "sold"}, when=unsold)
    missing = await table.update("2", set={"status": "sold"}, when=unsold)
    created = await table.update("2", set={"status": "new"}, when=unsold, create=True)

    assert (changed, missing, created) == ({}, None, {})
    assert await table.get("2") == {"id": "2", "status": "new"}


async def test_an_item_is_removed_only_while_its_condition_holds(table: Table) -> None:
    with pytest.raises(RefusedError):
        await table.remove("1", when=Condition("#status = :was", {"was": "sold"}))
    assert await table.get("1") == LAMP

    removed = await table.remove("1", when=Condition("#status = :was", {"was": "new"}))

    assert removed
    assert await table.get("1") is None
    assert not await table.remove("1", when=Condition("#status = :was", {"was": "new"}))


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
        await table.remove("1", when=condition)
    except RefusedError:
        assert refused
    else:
        assert not refused


@pytest.mark.parametrize("kind", ["Condition", "Filter", "KeyCondition", "Projection", "Update"])
def test_one_module_builds_all_expressions(kind: str) -> None:
    builders = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if f"{kind}Expression" in path.read_text("utf-8")
    }

    assert builders <= {"dynamodb/expression.py"}
