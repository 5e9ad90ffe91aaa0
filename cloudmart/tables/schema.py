"""The tables the shop needs: their indexes, streams and expiry, as data."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from cloudmart.dynamodb.schema import EXPIRES, TableIndex, TableSchema
from cloudmart.orders.indexes import INDEXED_ORDERS, ORDERS_BY_DAY, ORDERS_BY_EMAIL
from cloudmart.settings import DynamoDBSettings
from cloudmart.tables.steps import STREAM
from cloudmart.tickets.indexes import INDEXED_TICKETS, TICKETS_BY_STATUS

_INTRODUCTION = (
    "The tables that CloudMart needs, as Terraform reads them from tables.tf.json. Keep the names "
    "of resources that your state has already. On tables that `cloudmart tables apply` has "
    "changed, `terraform plan` must show no changes."
)


def shop_tables(settings: DynamoDBSettings) -> Iterator[TableSchema]:
    """Yield the tables, under the names the settings give them.

    The conversations come first: they hold the records of the others.
    """
    yield TableSchema(settings.conversations_table, expires=EXPIRES)
    yield TableSchema(settings.products_table)
    yield TableSchema(
        settings.orders_table,
        indexes=(ORDERS_BY_EMAIL, ORDERS_BY_DAY),
        stream=True,
        expires=EXPIRES,
        items=INDEXED_ORDERS,
        notes=settings.conversations_table,
    )
    yield TableSchema(
        settings.tickets_table,
        indexes=(TICKETS_BY_STATUS,),
        items=INDEXED_TICKETS,
        notes=settings.conversations_table,
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
