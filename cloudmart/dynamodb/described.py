"""What DescribeTable says of a table, read."""

from collections.abc import Mapping
from typing import Any

from cloudmart.dynamodb.schema import Index

Description = Mapping[str, Any]

_ACTIVE = "ACTIVE"


def index_named(description: Description, name: str) -> Description | None:
    """Return what is said of an index, or None where there is none of that name."""
    indexes = description.get("GlobalSecondaryIndexes") or ()
    return next((index for index in indexes if index["IndexName"] == name), None)


def fault_of(description: Description, index: Index) -> str | None:
    """Return why an index does not serve (yet), or None if it does."""
    found = index_named(description, index.name)
    if found is None:
        return "does not exist"
    if other := deviation(description, index):
        return other
    return None if found["IndexStatus"] == _ACTIVE else f"is {found['IndexStatus'].lower()}"


def deviation(description: Description, index: Index) -> str | None:
    """Return how an index that is there differs from the one of its name that is wanted."""
    found = index_named(description, index.name) or {}
    keys = keys_of(description, found)
    wanted = {"HASH": (index.partition, "S"), "RANGE": (index.sort, "S")}
    if keys != wanted:
        return f"has the key {spell(keys)}, not {spell(wanted)}"
    projection = found["Projection"]["ProjectionType"]
    return None if projection == "ALL" else f"holds {projection}, not whole items"


def keys_of(description: Description, owner: Description) -> dict[str, tuple[str, str]]:
    """Return the key of a table or an index: attribute and type, by role."""
    types = {
        attribute["AttributeName"]: attribute["AttributeType"]
        for attribute in description["AttributeDefinitions"]
    }
    return {
        part["KeyType"]: (part["AttributeName"], types.get(part["AttributeName"], "?"))
        for part in owner.get("KeySchema", ())
    }


def is_settled(description: Description) -> bool:
    """Tell whether the table and all of its indexes are done with what was asked of them."""
    indexes = description.get("GlobalSecondaryIndexes") or ()
    return description["TableStatus"] == _ACTIVE and all(
        index["IndexStatus"] == _ACTIVE for index in indexes
    )


def has_stream(description: Description) -> bool:
    """Tell whether the table has a stream, of whichever view."""
    return bool((description.get("StreamSpecification") or {}).get("StreamEnabled"))


def spell(keys: Mapping[str, tuple[str, str]]) -> str:
    """Write a key as a person reads it."""
    return " + ".join(f"{name} ({kind})" for name, kind in keys.values()) or "no key"
