"""The one builder of DynamoDB's expressions: what is set, under which condition, what is read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cloudmart.dynamodb.codec import Item, encode_item

_NAME = re.compile(r"#(\w+)")

_COMPARED = (str, int, Decimal, bool)

_EXISTS = "attribute_exists(id)"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition in DynamoDB's words.

    `#name` stands for the attribute of that name, `:name` for one of the values.
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Increment:
    """What to add to a number of an item, which counts as zero where the item has none."""

    by: int


@dataclass(frozen=True, slots=True)
class Default:
    """A value for an attribute that the item does not have yet."""

    value: Any


def unchanged(item: Item, attributes: Sequence[str]) -> Condition:
    """Return the condition that an item's attributes are as they were read, or still missing.

    Of what no release writes (sets, binaries, documents) it is enough that it is still there.
    """
    compared = [name for name in attributes if isinstance(item.get(name), _COMPARED)]
    missing = [name for name in attributes if name not in item]
    kept = [name for name in attributes if name not in {*compared, *missing}]
    terms = [
        *(f"#{name} = :was_{name}" for name in compared),
        *(f"attribute_not_exists(#{name})" for name in missing),
        *(f"attribute_exists(#{name})" for name in kept),
    ]
    return Condition(" AND ".join(terms), {f"was_{name}": item[name] for name in compared})


def write_expressions(
    changes: Mapping[str, Any] | None = None,
    when: Condition | None = None,
    *,
    exists: bool = False,
) -> dict[str, Any]:
    """Return a write's parameters: what it changes, while a condition holds, the item there is.

    Of a change, None removes the attribute, and `a.b` is the member `b` of the document `a`.
    """
    written: dict[str, Any] = {}
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    if changes is not None:
        written["UpdateExpression"] = _update(changes, names, values)
    if when is not None:
        written["ConditionExpression"] = f"{_EXISTS} AND ({when.text})" if exists else when.text
        written["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        _name_and_value(when, names, values)
    elif exists:
        written["ConditionExpression"] = _EXISTS
    return written | _placeholders(names, values)


def read_expressions(
    key: Condition | None = None, attributes: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return a read's parameters: the key, and the attributes except the id; None for all."""
    written: dict[str, Any] = {}
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    if key is not None:
        written["KeyConditionExpression"] = key.text
        _name_and_value(key, names, values)
    if attributes is not None:
        wanted = {f"#{number}": name for number, name in enumerate(["id", *attributes])}
        written["ProjectionExpression"] = ", ".join(wanted)
        names |= wanted
    return written | _placeholders(names, values)


def key_query(index: str, name: str, value: str) -> dict[str, Any]:
    """Return a query of an index's items of one key, greatest sort key first."""
    key = Condition(f"#{name} = :key", {"key": value})
    return {"IndexName": index, "ScanIndexForward": False, **read_expressions(key)}


def _update(changes: Mapping[str, Any], names: dict[str, str], values: dict[str, Any]) -> str:
    sets, removes = [], []
    for number, (name, value) in enumerate(changes.items()):
        path = "#" + name.replace(".", ".#")
        names |= {f"#{part}": part for part in name.split(".")}
        # A number is the name of no value of a condition.
        given = f":{number}"
        if value is None:
            removes.append(path)
        elif isinstance(value, Increment):
            sets.append(f"{path} = if_not_exists({path}, :zero) + {given}")
            values |= {given: value.by, ":zero": 0}
        elif isinstance(value, Default):
            sets.append(f"{path} = if_not_exists({path}, {given})")
            values[given] = value.value
        else:
            sets.append(f"{path} = {given}")
            values[given] = value
    clauses = [("SET", sets), ("REMOVE", removes)]
    return " ".join(f"{verb} {', '.join(what)}" for verb, what in clauses if what)


def _name_and_value(condition: Condition, names: dict[str, str], values: dict[str, Any]) -> None:
    names |= {f"#{name}": name for name in _NAME.findall(condition.text)}
    values |= {f":{name}": value for name, value in condition.values.items()}


def _placeholders(names: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    # DynamoDB refuses empty ones.
    written: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
    if values:
        written["ExpressionAttributeValues"] = encode_item(values)
    return written
