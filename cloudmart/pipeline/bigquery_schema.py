"""The columns of BigQuery's table, and whether a table has them."""

from collections.abc import Iterator, Sequence

from google.cloud.bigquery import SchemaField

COLUMNS = {
    "id": "STRING",
    "userEmail": "STRING",
    "status": "STRING",
    "createdAt": "TIMESTAMP",
    "updatedAt": "TIMESTAMP",
    "eventType": "STRING",
    "totalAmount": "FLOAT",
    "items": "STRING",
}

_ALWAYS_TOLD = {"id", "status", "eventType", "totalAmount", "items"}

# BigQuery has two names for one type, and tells the older.
_OTHER_NAMES = {"FLOAT64": "FLOAT"}


def faults(schema: Sequence[SchemaField]) -> Iterator[str]:
    """Yield in words what of a table's schema is not as rows need it."""
    found = {field.name: field for field in schema}
    for name, kind in COLUMNS.items():
        if name not in found:
            yield f"the column {name} is missing"
        else:
            yield from _column_faults(found[name], kind)
    for name in found.keys() - COLUMNS.keys():
        if found[name].mode == "REQUIRED":
            yield f"the column {name} is required, and no row has it"


def _column_faults(field: SchemaField, kind: str) -> Iterator[str]:
    actual = _OTHER_NAMES.get(field.field_type, field.field_type)
    if actual != kind or field.mode == "REPEATED":
        yield f"the column {field.name} is {field.mode} {actual}, not {kind}"
    elif field.mode == "REQUIRED" and field.name not in _ALWAYS_TOLD:
        yield f"the column {field.name} is required, and some rows have no value for it"
