"""The tables as Terraform has to know them, or its next apply takes away what it does not know."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from cloudmart.dynamodb.schema import TableIndex, TableSchema
from cloudmart.tables.steps import STREAM

_INTRODUCTION = (
    "The tables that CloudMart needs, as Terraform reads them from tables.tf.json. Keep the names "
    "of resources that your state has already. On tables that `cloudmart tables apply` has "
    "changed, `terraform plan` must show no changes."
)

Value = str | bool | list[dict[str, str]] | dict[str, str | bool]
"""An argument of a resource, a block, or blocks of one kind."""


def terraform_configuration(schemas: Iterable[TableSchema]) -> str:
    """Return a resource for each table, in Terraform's JSON syntax."""
    tables = {_label(schema.name): dict(_arguments(schema)) for schema in schemas}
    document: Mapping[str, object] = {
        "//": _INTRODUCTION,
        "resource": {"aws_dynamodb_table": tables},
    }
    return json.dumps(document, indent=2) + "\n"


def _arguments(schema: TableSchema) -> Iterator[tuple[str, Value]]:
    yield "name", schema.name
    yield "billing_mode", "PAY_PER_REQUEST"
    yield "hash_key", "id"
    if schema.stream:
        yield "stream_enabled", True
        yield "stream_view_type", str(STREAM["StreamViewType"])
    yield "attribute", [{"name": name, "type": "S"} for name in _attributes(schema)]
    if schema.indexes:
        yield "global_secondary_index", [_index(index) for index in schema.indexes]
    if schema.expires:
        yield "ttl", {"attribute_name": schema.expires, "enabled": True}
    yield "point_in_time_recovery", {"enabled": True}


def _index(index: TableIndex) -> dict[str, str]:
    return {
        "name": index.name,
        "hash_key": index.partition,
        "range_key": index.sort,
        "projection_type": "ALL",
    }


def _attributes(schema: TableSchema) -> list[str]:
    keys = [name for index in schema.indexes for name in (index.partition, index.sort)]
    return list(dict.fromkeys(["id", *keys]))


def _label(name: str) -> str:
    label = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return label if label[0].isalpha() else f"table_{label}"
