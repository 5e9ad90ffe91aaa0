"""DynamoDB's expressions without their ceremony."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cloudmart.dynamodb.codec import Item, encode_item

_NAME = re.compile(r"#(\w+)")

_COMPARED = (str, int, Decimal, bool)


@dataclass(frozen=True, slots=True)
class Expression:
    """A change or a condition in DynamoDB's words.

    `#name` stands for the attribute of that name, `:name` for one of the values.
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


def projection(attributes: Sequence[str] | None) -> dict[str, Any]:
    """Return what has DynamoDB answer some attributes and the id alone; None stands for all."""
    if attributes is None:
        return {}
    names = {f"#{number}": name for number, name in enumerate(["id", *attributes])}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}


def unchanged(item: Item, attributes: Sequence[str]) -> Expression:
    """Return the condition that an item's attributes are as they were read, or still missing.

    Of what no release writes (sets, binaries, documents) it is enough that it is still there.
    """
    compared = [name for name in attributes if isinstance(item.get(name), _COMPARED)]
    missing = [name for name in attributes if name not in item]
    kept = [name for name in attributes if name not in {*compared, *missing}]
    terms = [
        "attribute_exists(id)",
        *(f"#{name} = :was_{name}" for name in compared),
        *(f"attribute_not_exists(#{name})" for name in missing),
        *(f"attribute_exists(#{name})" for name in kept),
    ]
    return Expression(" AND ".join(terms), {f"was_{name}": item[name] for name in compared})


def changing(changes: Mapping[str, Any]) -> Expression:
    """Return what sets attributes, and takes away those that are to be None."""
    given = {name: value for name, value in changes.items() if value is not None}
    sets = ", ".join(f"#{name} = :{name}" for name in given)
    removes = ", ".join(f"#{name}" for name in changes if name not in given)
    clauses = [("SET", sets), ("REMOVE", removes)]
    return Expression(" ".join(f"{verb} {what}" for verb, what in clauses if what), given)


def parameters(
    *, update: Expression | None = None, when: Expression | None = None
) -> dict[str, Any]:
    """Return the expressions of a write as DynamoDB takes them."""
    parts = {"UpdateExpression": update, "ConditionExpression": when}
    given = {name: part for name, part in parts.items() if part is not None}
    written: dict[str, Any] = {name: part.text for name, part in given.items()}
    if when is not None:
        written["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    names = {f"#{name}": name for part in given.values() for name in _NAME.findall(part.text)}
    if names:
        written["ExpressionAttributeNames"] = names
    values = {f":{name}": one for part in given.values() for name, one in part.values.items()}
    if values:
        written["ExpressionAttributeValues"] = encode_item(values)
    return written


def setting(changes: Mapping[str, Any], first: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what sets attributes, those of `first` only where the item has none of their name."""
    named = {**(first or {}), **changes}
    sets = [
        f"#{number} = :{number}"
        if name in changes
        else f"#{number} = if_not_exists(#{number}, :{number})"
        for number, name in enumerate(named)
    ]
    values = {f":{number}": value for number, value in enumerate(named.values())}
    return {
        "UpdateExpression": f"SET {', '.join(sets)}",
        "ExpressionAttributeNames": {f"#{number}": name for number, name in enumerate(named)},
        "ExpressionAttributeValues": encode_item(values),
    }
