"""How the tables are: all of them asked, all of their parts compared with what they should be."""

from collections.abc import Iterable
from typing import Any

from cloudmart.dynamodb.findings import Finding
from cloudmart.dynamodb.plan import compare
from cloudmart.dynamodb.schema import TableSchema
from cloudmart.dynamodb.survey import survey


async def look_at(client: Any, schemas: Iterable[TableSchema]) -> list[Finding]:  # noqa: ANN401
    """Return a finding for each part of each table, in the order of the steps they ask for."""
    return [
        finding for schema in schemas for finding in compare(schema, await survey(client, schema))
    ]
