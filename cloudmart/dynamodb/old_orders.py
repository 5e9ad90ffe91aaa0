"""What an order of an old shape lacks for the orders' indexes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudmart.dynamodb.codec import Item, encode
from cloudmart.dynamodb.expression import Expression, parameters, unchanged
from cloudmart.values.timestamp import day_of

KEYS = ("userEmail", "createdAt", "createdDay")
"""The attributes the orders' indexes are made of."""

ATTRIBUTES = ("id", "customerEmail", *KEYS)
"""All that has to be read of an order to mend it."""

# Bytes of a partition key and of a sort key (DynamoDB's limits).
_LONGEST_PARTITION = 2048
_LONGEST_SORT = 1024


@dataclass(frozen=True, slots=True)
class Amendment:
    """What to give an order and which empty attributes to take from it, as it was when read."""

    order: Item
    given: Mapping[str, str]
    emptied: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.given or self.emptied)

    def parameters(self) -> dict[str, Any]:
        """Return UpdateItem's parameters: the change, if what it rests on is still as it was."""
        names = [name for name in ATTRIBUTES if name != "id"]
        update = Expression(self._change(), self.given)
        return {
            "Key": encode({"id": self.order["id"]}),
            **parameters(update=update, when=unchanged(self.order, names)),
        }

    def _change(self) -> str:
        sets = ", ".join(f"#{name} = :{name}" for name in self.given)
        removes = ", ".join(f"#{name}" for name in self.emptied)
        clauses = [("SET", sets), ("REMOVE", removes)]
        return " ".join(f"{verb} {what}" for verb, what in clauses if what)


def amendment(order: Item) -> Amendment:
    """Return what an order needs; nothing, for one of today's shape.

    An index attribute that is NULL or empty says no more than one that is missing, but makes the
    item one that DynamoDB refuses to update once the index is there: it is taken away.
    """
    given = {}
    if _is_empty(order.get("userEmail")) and _fits(order.get("customerEmail"), _LONGEST_PARTITION):
        given["userEmail"] = order["customerEmail"]
    if _is_empty(order.get("createdDay")) and (day := day_of(order.get("createdAt"))):
        given["createdDay"] = day
    emptied = (name for name in KEYS if name in order and _is_empty(order[name]))
    return Amendment(order, given, tuple(name for name in emptied if name not in given))


def is_undated(order: Item) -> bool:
    """Tell whether an order has no day and cannot be given one."""
    return _is_empty(order.get("createdDay")) and day_of(order.get("createdAt")) is None


def is_lost(order: Item) -> bool:
    """Tell whether an order has an e-mail and yet will not be found by it in the index."""
    address = order.get("userEmail")
    if _is_empty(address):
        address = order.get("customerEmail")
    return _fits(address, _LONGEST_PARTITION) and not _fits(order.get("createdAt"), _LONGEST_SORT)


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def _fits(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= longest
