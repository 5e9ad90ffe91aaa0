"""`cloudmart catalogue load`."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.cli.catalogue.loading import ProgressLines
from cloudmart.dynamodb.codec import decode_item, encode_item
from cloudmart.local.embedded import REGION
from cloudmart.settings import Settings
from tests.cli.conftest import Cloudmart
from tests.support.clock import Clock
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.products import shown_product

LAMP = {"id": "1", "name": "Lamp", "price": 19.99}


@pytest.fixture
def store(dynamodb: Any, settings: Settings) -> "Store":  # noqa: ANN401 - boto3's client
    """Provide the table itself, without the application."""
    return Store(dynamodb, settings.dynamodb.products_table)


class Store:
    """Reads and writes items as they are stored."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401
        self._client = client
        self._table = table

    def put(self, **item: Any) -> None:  # noqa: ANN401
        """Store an item as an older release did."""
        self._client.put_item(TableName=self._table, Item=encode_item(item))

    def items(self) -> dict[str, dict[str, Any]]:
        """Return all items by id."""
        stored = self._client.scan(TableName=self._table, ConsistentRead=True)["Items"]
        return {item["id"]: item for item in map(decode_item, stored)}


def _lines(*entries: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


def test_a_product_that_is_not_there_is_added(cloudmart: Cloudmart, client: TestClient) -> None:
    result = cloudmart("catalogue", "load", "-", input=_lines(LAMP))

    product = client.get("/api/products/1").json()
    assert result.exit_code == 0
    assert result.stdout == "Loaded: 1 new, 0 changed, 0 unchanged, 0 bad.\n"
    created = product["createdAt"]
    assert product == shown_product(**LAMP, createdAt=created, updatedAt=created)


def test_a_product_that_is_there_keeps_what_the_file_does_not_say(
    cloudmart: Cloudmart, store: Store
) -> None:
    old = {"description": "Warm.", "category": "light", "stock": 7, "createdAt": "2020"}
    store.put(id="1", name="Lamp", price="18.00", **old)

    result = cloudmart("catalogue", "load", "-", input=_lines(LAMP))

    item = store.items()["1"]
    assert result.stdout == "Loaded: 0 new, 1 changed, 0 unchanged, 0 bad.\n"
    assert {name: item[name] for name in old} == old
    assert (str(item["price"]), item["updatedAt"] > "2026") == ("19.99", True)


def test_what_is_the_same_is_not_written(cloudmart: Cloudmart, store: Store) -> None:
    store.put(id="1", name=" Lamp ", price="19.990", category="light")
    before = store.items()

    result = cloudmart("catalogue", "load", "-", input=_lines(LAMP))

    assert result.stdout == "Loaded: 0 new, 0 changed, 1 unchanged, 0 bad.\n"
    assert store.items() == before


def test_a_dry_run_says_what_would_happen_and_writes_nothing(
    cloudmart: Cloudmart, store: Store
) -> None:
    store.put(id="1", name="Lamp", price="18")
    before = store.items()
    content = _lines(LAMP, LAMP | {"id": "2"}, {"name": "Lamp"})

    result = cloudmart("catalogue", "load", "-", "--dry-run", input=content)

    assert result.stdout == (
        "Nothing was written. It would be: 1 new, 1 changed, 0 unchanged, 1 bad.\n"
    )
    assert result.exit_code == 1
    assert store.items() == before


def test_an_entry_without_an_id_is_a_new_product_and_says_so(
    cloudmart: Cloudmart, store: Store
) -> None:
    content = b"name,price,id\nLamp,19.99,\n"
    cloudmart("catalogue", "load", "-", input=content)

    result = cloudmart("catalogue", "load", "-", input=content)

    assert result.stdout == (
        "Loaded: 1 new, 0 changed, 0 unchanged, 0 bad.\n"
        "Entries without an id: 1. They are new products each time this file is loaded; "
        "`cloudmart catalogue export` writes a file with their ids.\n"
    )
    assert [item["name"] for item in store.items().values()] == ["Lamp", "Lamp"]
    assert all(len(key) == 16 for key in store.items())


def test_bad_entries_are_reported_by_place_and_make_the_exit_code_1(
    cloudmart: Cloudmart, store: Store
) -> None:
    content = _lines(LAMP, {"name": "A"}, LAMP | {"id": "2"}) + b"\xff\n"

    result = cloudmart("catalogue", "load", "-", input=content)

    assert (
        result.stderr
        == "line 2: price: is missing\nline 4: not UTF-8, from byte 1 on: save the file as UTF-8\n"
    )
    assert result.stdout == "Loaded: 2 new, 0 changed, 0 unchanged, 2 bad.\n"
    assert result.exit_code == 1
    assert store.items().keys() == {"1", "2"}


def test_the_last_of_entries_with_one_id_wins_and_is_reported(
    cloudmart: Cloudmart, store: Store
) -> None:
    content = _lines(LAMP, LAMP | {"name": "Mug"}, LAMP | {"name": "Pot"})

    result = cloudmart("catalogue", "load", "-", input=content)

    assert result.exit_code == 0
    assert result.stderr == (
        "line 2: id '1' came before; this entry takes its place\n"
        "line 3: id '1' came before; this entry takes its place\n"
    )
    assert store.items()["1"]["name"] == "Pot"


def test_many_entries_are_loaded_a_hundred_at_a_time(
    cloudmart: Cloudmart, faults: FaultProxy, tmp_path: Path
) -> None:
    path = tmp_path / "catalogue.jsonl"
    path.write_bytes(_lines(*(LAMP | {"id": str(number)} for number in range(101))))

    first = cloudmart("catalogue", "load", path)
    second = cloudmart("catalogue", "load", path)

    assert first.stdout == "Loaded: 101 new, 0 changed, 0 unchanged, 0 bad.\n"
    assert second.stdout == "Loaded: 0 new, 0 changed, 101 unchanged, 0 bad.\n"
    assert faults.calls == {"BatchGetItem": 4, "UpdateItem": 101}


def test_a_store_that_is_busy_for_a_while_is_waited_for(
    cloudmart: Cloudmart, faults: FaultProxy, store: Store
) -> None:
    faults.fail(Fault.THROTTLED, "BatchGetItem", times=2)
    faults.fail(Fault.BROKEN, "UpdateItem", times=2)

    result = cloudmart("catalogue", "load", "-", input=_lines(LAMP))

    assert result.stdout == "Loaded: 1 new, 0 changed, 0 unchanged, 0 bad.\n"
    assert result.stderr.startswith("The data store is busy or away. Trying again in ")
    assert store.items().keys() == {"1"}


def test_a_new_product_whose_answer_was_lost_is_there_once(
    cloudmart: Cloudmart, faults: FaultProxy, store: Store
) -> None:
    faults.fail(Fault.LOST, "PutItem", times=2)

    result = cloudmart("catalogue", "load", "-", input=_lines({"name": "Lamp", "price": 1}))

    assert result.exit_code == 0
    assert len(store.items()) == 1


def test_a_table_that_is_not_there_is_reported_at_once(
    cloudmart: Cloudmart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYNAMODB_PRODUCTS_TABLE", "nowhere")

    result = cloudmart("catalogue", "load", "-", input=_lines(LAMP))

    assert result.exit_code == 1
    assert result.stderr == (
        "Stopped. Nothing was loaded.\n"
        "DynamoDB cannot be used: the table does not exist. `cloudmart tables apply` makes it.\n"
    )


def test_a_dry_run_on_a_table_that_is_not_there_says_that_nothing_was_loaded(
    cloudmart: Cloudmart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYNAMODB_PRODUCTS_TABLE", "nowhere")

    result = cloudmart("catalogue", "load", "--dry-run", "-", input=_lines(LAMP))

    assert result.exit_code == 1
    assert result.stderr.startswith("Stopped. Nothing was loaded.\n")


@pytest.mark.parametrize(
    "content", [b"", b"\n \n", b"[]", b" [ ] ", b"id,name,price\n", b"\xef\xbb\xbf"]
)
def test_a_file_without_entries_is_reported_and_makes_the_exit_code_1(
    content: bytes, cloudmart: Cloudmart
) -> None:
    result = cloudmart("catalogue", "load", "-", input=content)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "This file has no entries: nothing was loaded.\n"


def test_without_a_terminal_a_line_shows_the_progress_now_and_then() -> None:
    told: list[str] = []
    clock = Clock()
    lines = ProgressLines("Loading", 1_000_000, told.append, lambda: clock.seconds)

    for _ in range(25):
        lines.advance(10_000)
        clock.advance(1)

    assert told == [
        "Loading: 110,000 of 1,000,000 bytes read",
        "Loading: 210,000 of 1,000,000 bytes read",
    ]


def test_the_region_of_a_pod_is_enough(
    cloudmart: Cloudmart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", REGION)

    loaded = cloudmart("catalogue", "load", "-", input=_lines(LAMP))
    exported = cloudmart("catalogue", "export")

    assert (loaded.exit_code, exported.exit_code) == (0, 0)
    assert '"Lamp"' in exported.stdout


@pytest.mark.parametrize("words", [("load", "-"), ("export",)])
def test_without_a_region_the_message_asks_for_one(
    words: tuple[str, ...], cloudmart: Cloudmart, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    result = cloudmart("catalogue", *words, input=_lines(LAMP))

    assert result.exit_code == 1
    assert "no AWS region is set: set AWS_REGION to the tables' region.\n" in result.stderr


def test_a_profile_that_is_not_there_is_reported_with_its_variable(
    cloudmart: Cloudmart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "prod")

    result = cloudmart("catalogue", "export")

    assert result.exit_code == 1
    assert "AWS_PROFILE names the profile 'prod'" in result.stderr


def test_another_refusal_of_dynamodb_is_reported_without_a_traceback(
    cloudmart: Cloudmart,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    dynamodb: Any,  # noqa: ANN401 - boto3's client
) -> None:
    table = f"{settings.dynamodb.products_table}-other"
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "sku", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "sku", "KeyType": "HASH"}],
    )
    monkeypatch.setenv("DYNAMODB_PRODUCTS_TABLE", table)

    result = cloudmart("catalogue", "load", "-", input=_lines(LAMP))
    dynamodb.delete_table(TableName=table)

    assert result.exit_code == 1
    assert "DynamoDB cannot be used: BatchGetItem: ValidationException" in result.stderr
    assert "Traceback" not in result.stderr


def test_missing_permissions_are_reported_at_once(cloudmart: Cloudmart, faults: FaultProxy) -> None:
    faults.fail(Fault.DENIED)

    result = cloudmart("catalogue", "load", "-", input=_lines(LAMP))

    assert result.exit_code == 1
    assert result.stderr.endswith("the permission dynamodb:BatchGetItem is missing.\n")
    assert faults.calls.total() == 1


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_opened_is_a_wrong_argument(
    cloudmart: Cloudmart, tmp_path: Path, name: str
) -> None:
    result = cloudmart("catalogue", "load", tmp_path / name)

    assert result.exit_code == 2
    assert "Invalid value for 'FILE'" in result.stderr


def test_a_file_that_is_not_a_catalogue_is_refused(cloudmart: Cloudmart) -> None:
    result = cloudmart("catalogue", "load", "-", input=b"<html></html>")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        "This file cannot be loaded. It begins neither as JSON nor with the names of CSV columns: "
        "name and price must be there once; id, description and image may.\n"
    )


def test_a_program_that_reads_the_output_sees_no_progress_bar(
    cloudmart: Cloudmart, tmp_path: Path
) -> None:
    path = tmp_path / "catalogue.jsonl"
    path.write_bytes(_lines(LAMP))

    result = cloudmart("catalogue", "load", path)

    assert result.stderr == ""


def test_a_terminal_shows_a_progress_bar(
    cloudmart: Cloudmart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    path = tmp_path / "catalogue.jsonl"
    path.write_bytes(_lines(LAMP))

    result = cloudmart("catalogue", "load", path)

    assert "Loading" in result.stderr
    assert "100%" in result.stderr
