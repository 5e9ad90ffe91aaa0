"""The tables in Terraform's form."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cloudmart.cli.commands import app as commands
from cloudmart.dynamodb.schema import TableSchema
from cloudmart.settings import DynamoDBSettings
from cloudmart.tables.schema import shop_tables, terraform_configuration

TERRAFORM = shutil.which("terraform") or shutil.which("tofu")


def resources(schemas: Iterable[TableSchema]) -> dict[str, dict[str, Any]]:
    """Return the arguments of each table's resource."""
    tables: dict[str, dict[str, Any]] = json.loads(terraform_configuration(schemas))["resource"][
        "aws_dynamodb_table"
    ]
    return tables


def expected(schema: TableSchema) -> dict[str, Any]:
    """Return what a table's resource needs."""
    keys = {"id"} | {key for index in schema.indexes for key in (index.partition, index.sort)}
    indexes = [
        {
            "name": index.name,
            "hash_key": index.partition,
            "range_key": index.sort,
            "projection_type": "ALL",
        }
        for index in schema.indexes
    ]
    stream = {"stream_enabled": True, "stream_view_type": "NEW_AND_OLD_IMAGES"}
    return {
        "name": schema.name,
        "billing_mode": "PAY_PER_REQUEST",
        "hash_key": "id",
        "attribute": [{"name": key, "type": "S"} for key in sorted(keys)],
        "point_in_time_recovery": {"enabled": True},
        **(stream if schema.stream else {}),
        **({"global_secondary_index": indexes} if indexes else {}),
        **({"ttl": {"attribute_name": schema.expires, "enabled": True}} if schema.expires else {}),
    }


def test_every_table_has_everything_that_apply_creates() -> None:
    schemas = list(shop_tables(DynamoDBSettings()))

    told = resources(schemas)

    for table in told.values():
        table["attribute"].sort(key=lambda attribute: attribute["name"])
    assert list(told.values()) == [expected(schema) for schema in schemas]


@pytest.mark.parametrize("name", ["cloudmart-orders", "1.orders", "a_b"])
def test_a_resource_is_named_in_letters_terraform_takes(name: str) -> None:
    (label,) = resources([TableSchema(name)])

    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", label)


@pytest.mark.skipif(TERRAFORM is None, reason="neither terraform nor tofu is installed")
def test_terraform_reads_it(tmp_path: Path) -> None:
    told = CliRunner().invoke(commands, ["tables", "terraform"], env={"AWS_REGION": "eu-west-1"})
    (tmp_path / "tables.tf.json").write_text(told.stdout)

    # This parses the files of the folder, and needs no provider.
    terraform = subprocess.run(  # noqa: S603 - whichever is installed
        [str(TERRAFORM), "providers"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert "hashicorp/aws" in terraform.stdout
