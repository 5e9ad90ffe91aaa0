"""`cloudmart catalogue export`."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloudmart.dynamodb.codec import encode_item
from cloudmart.local.seed import sample_products
from cloudmart.settings import Settings
from tests.cli.conftest import Cloudmart
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.wire_values import VALUES

OLD_SHAPES: list[dict[str, Any]] = [
    {"id": "1", "name": "Lamp", "price": "18.5", "category": "light", "stock": 7},
    {"id": "2", "name": " Mug", "description": 'Blue,\r\n"good" \'n; cheap\n', "price": 8},
    {"id": "é ~3", "name": "Pot", "image": "https://shop.example.com/pot.png", "price": "0"},
]


@pytest.fixture
def stored(dynamodb: Any, settings: Settings) -> Any:  # noqa: ANN401 - boto3's client
    """Store products as older releases did, and provide a function that reads the whole table."""
    table = settings.dynamodb.products_table
    for item in OLD_SHAPES:
        dynamodb.put_item(TableName=table, Item=encode_item(item))

    def items() -> list[Any]:
        found = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
        return sorted(found, key=lambda item: str(item["id"]))

    return items


@pytest.mark.parametrize("name", ["catalogue.json", "catalogue.jsonl", "catalogue.csv"])
def test_whatever_an_item_holds_the_others_are_exported(
    cloudmart: Cloudmart,
    tmp_path: Path,
    name: str,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    table = settings.dynamodb.products_table
    for attribute in ("name", "description", "price", "image", "stock"):
        for kind, value in VALUES.items():
            item = {"id": {"S": f"{attribute} {kind}"}, attribute: value}
            dynamodb.put_item(TableName=table, Item=item)

    exported = cloudmart("catalogue", "export", tmp_path / name)

    assert (exported.exit_code, exported.stderr) == (0, f"Products exported: {5 * len(VALUES)}.\n")


@pytest.mark.parametrize("name", ["catalogue.json", "catalogue.jsonl", "catalogue.csv"])
def test_loading_what_was_exported_changes_nothing(
    cloudmart: Cloudmart,
    tmp_path: Path,
    name: str,
    stored: Any,  # noqa: ANN401
) -> None:
    before = stored()

    exported = cloudmart("catalogue", "export", tmp_path / name)
    loaded = cloudmart("catalogue", "load", tmp_path / name)

    assert exported.stderr == "Products exported: 3.\n"
    assert loaded.stdout == "Loaded: 0 new, 0 changed, 3 unchanged, 0 bad.\n"
    assert stored() == before


def test_the_sample_catalogue_survives_export_and_load(
    cloudmart: Cloudmart, tmp_path: Path
) -> None:
    path = tmp_path / "catalogue.csv"
    entries = [
        product.model_dump(mode="json") | {"id": key} for key, product in sample_products().items()
    ]
    cloudmart("catalogue", "load", "-", input=json.dumps(entries).encode())

    cloudmart("catalogue", "export", path)
    result = cloudmart("catalogue", "load", path)

    assert result.stdout == "Loaded: 0 new, 0 changed, 24 unchanged, 0 bad.\n"


@pytest.mark.usefixtures("stored")
def test_the_standard_output_holds_the_products_and_nothing_else(cloudmart: Cloudmart) -> None:
    result = cloudmart("catalogue", "export")

    assert {product["id"] for product in json.loads(result.stdout)} == {"1", "2", "é ~3"}
    assert result.stderr == "Products exported: 3.\n"


@pytest.mark.usefixtures("stored")
def test_the_format_can_be_chosen(cloudmart: Cloudmart) -> None:
    result = cloudmart("catalogue", "export", "--format", "csv")

    assert result.stdout_bytes.startswith(b"id,name,description,price,image")


@pytest.mark.usefixtures("stored")
def test_a_store_that_fails_leaves_the_former_file(
    cloudmart: Cloudmart, faults: FaultProxy, tmp_path: Path
) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text("former")
    faults.fail(Fault.THROTTLED, "Scan")

    result = cloudmart("catalogue", "export", path)

    assert result.exit_code == 1
    assert "ProvisionedThroughputExceededException" in result.stderr
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_is_not_there_is_reported(cloudmart: Cloudmart, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "catalogue.json"

    result = cloudmart("catalogue", "export", path)

    assert result.exit_code == 1
    assert result.stderr == f"{path}: No such file or directory.\n"


def test_a_directory_is_not_a_file(cloudmart: Cloudmart, tmp_path: Path) -> None:
    result = cloudmart("catalogue", "export", tmp_path)

    assert result.exit_code == 2
