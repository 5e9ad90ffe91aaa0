"""The tables as Terraform has to know them, or its next apply takes away what it does not know."""

import re
from collections.abc import Iterable, Iterator

from cloudmart.dynamodb.schema import TableIndex, TableSchema
from cloudmart.tables.steps import STREAM

_INTRODUCTION = """\
# The tables CloudMart needs, for who keeps them in Terraform. A resource that is there already
# keeps its name and gets the arguments and blocks it lacks; then `terraform plan` must show no
# change to tables on which `cloudmart tables apply` was run.
"""


def terraform_configuration(schemas: Iterable[TableSchema]) -> str:
    """Return a resource for each table, formatted as `terraform fmt` does."""
    return "\n".join([_INTRODUCTION, *("\n".join(_resource(schema)) + "\n" for schema in schemas)])


def _resource(schema: TableSchema) -> Iterator[str]:
    yield f'resource "aws_dynamodb_table" "{_label(schema.name)}" {{'
    yield from _arguments(_table_arguments(schema))
    for name in _attributes(schema):
        yield from _block("attribute", {"name": _text(name), "type": _text("S")})
    for index in schema.indexes:
        yield from _block("global_secondary_index", _index_arguments(index))
    if schema.expires:
        expiry = {"attribute_name": _text(schema.expires), "enabled": "true"}
        yield from _block("ttl", expiry)
    yield from _block("point_in_time_recovery", {"enabled": "true"})
    yield "}"


def _table_arguments(schema: TableSchema) -> dict[str, str]:
    arguments = {
        "name": _text(schema.name),
        "billing_mode": _text("PAY_PER_REQUEST"),
        "hash_key": _text("id"),
    }
    if schema.stream:
        view = str(STREAM["StreamViewType"])
        arguments |= {"stream_enabled": "true", "stream_view_type": _text(view)}
    return arguments


def _index_arguments(index: TableIndex) -> dict[str, str]:
    return {
        "name": _text(index.name),
        "hash_key": _text(index.partition),
        "range_key": _text(index.sort),
        "projection_type": _text("ALL"),
    }


def _attributes(schema: TableSchema) -> list[str]:
    keys = [name for index in schema.indexes for name in (index.partition, index.sort)]
    return list(dict.fromkeys(["id", *keys]))


def _block(name: str, arguments: dict[str, str]) -> Iterator[str]:
    yield ""
    yield f"  {name} {{"
    yield from (f"  {line}" for line in _arguments(arguments))
    yield "  }"


def _arguments(arguments: dict[str, str]) -> Iterator[str]:
    width = max(map(len, arguments))
    yield from (f"  {name:<{width}} = {value}" for name, value in arguments.items())


def _text(value: str) -> str:
    return f'"{value}"'


def _label(name: str) -> str:
    label = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return label if label[0].isalpha() else f"table_{label}"
