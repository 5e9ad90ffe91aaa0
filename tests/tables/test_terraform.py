"""The tables as Terraform should have them."""

import re
import shutil
import subprocess

import pytest

from cloudmart.dynamodb.schema import TableSchema
from cloudmart.settings import DynamoDBSettings
from cloudmart.tables.schema import shop_tables
from cloudmart.tables.terraform import terraform_configuration

_BLOCK = re.compile(r"^  (\w+) \{\n(.*?)\n  \}$", re.DOTALL | re.MULTILINE)
_ARGUMENT = re.compile(r'^\s*(\w+)\s+= "?([^"\n]*)"?$', re.MULTILINE)


def read(resource: str) -> tuple[dict[str, str], list[tuple[str, dict[str, str]]]]:
    """Return a resource's own arguments, and its blocks with theirs."""
    blocks = [(name, dict(_ARGUMENT.findall(body))) for name, body in _BLOCK.findall(resource)]
    return dict(_ARGUMENT.findall(_BLOCK.sub("", resource))), blocks


def test_every_table_is_told_with_all_that_apply_brings_about() -> None:
    schemas = list(shop_tables(DynamoDBSettings()))

    resources = terraform_configuration(schemas).split("\nresource ")[1:]

    assert len(resources) == len(schemas)
    for schema, resource in zip(schemas, resources, strict=True):
        arguments, blocks = read(resource)
        keys = {"id"} | {key for index in schema.indexes for key in (index.partition, index.sort)}
        stream = {"stream_enabled": "true", "stream_view_type": "NEW_AND_OLD_IMAGES"}
        assert arguments == {
            "name": schema.name,
            "billing_mode": "PAY_PER_REQUEST",
            "hash_key": "id",
        } | (stream if schema.stream else {})
        assert sorted(blocks, key=str) == sorted(expected_blocks(schema, keys), key=str)


def expected_blocks(schema: TableSchema, keys: set[str]) -> list[tuple[str, dict[str, str]]]:
    """Return the blocks that a table's resource needs."""
    blocks = [("attribute", {"name": key, "type": "S"}) for key in keys]
    blocks += [
        (
            "global_secondary_index",
            {
                "name": index.name,
                "hash_key": index.partition,
                "range_key": index.sort,
                "projection_type": "ALL",
            },
        )
        for index in schema.indexes
    ]
    if schema.expires:
        blocks.append(("ttl", {"attribute_name": schema.expires, "enabled": "true"}))
    return [*blocks, ("point_in_time_recovery", {"enabled": "true"})]


@pytest.mark.parametrize("name", ["cloudmart-orders", "1.orders", "a_b"])
def test_a_resource_is_named_in_letters_terraform_takes(name: str) -> None:
    found = re.search(
        r'resource "aws_dynamodb_table" "(.*)" \{', terraform_configuration([TableSchema(name)])
    )

    assert found is not None
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", found[1])


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_terraform_reads_it_and_would_format_it_no_other_way() -> None:
    written = terraform_configuration(shop_tables(DynamoDBSettings()))

    terraform = subprocess.run(
        ["terraform", "fmt", "-"],  # noqa: S607 - whichever is installed
        input=written,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert terraform.stdout == written
