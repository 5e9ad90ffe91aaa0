"""Checks that an answer has the members that the storefront reads, with the right types."""

from collections.abc import Mapping
from typing import Any

Kinds = Mapping[str, type | tuple[type, ...]]

_NUMBER = (int, float)
_PRODUCT: Kinds = {"id": str, "name": str, "description": str, "price": _NUMBER, "image": str}
_LINE: Kinds = {"productId": str, "name": str, "quantity": int, "price": _NUMBER}
_ORDER: Kinds = {"id": str, "items": list, "total": _NUMBER, "status": str, "createdAt": str}
_TICKET: Kinds = {"id": str, "status": str, "conversation": list}


def fault_of_product(told: object) -> str | None:
    """Return what a page could not read of a product, or None."""
    return _fault(told, _PRODUCT, "a product")


def fault_of_order(told: object) -> str | None:
    """Return what a page could not read of an order, or None."""
    if fault := _fault(told, _ORDER, "an order"):
        return fault
    lines: list[Any] = told["items"] if isinstance(told, dict) else []
    return next(filter(None, (_fault(each, _LINE, "a line of an order") for each in lines)), None)


def fault_of_ticket(told: object) -> str | None:
    """Return what a page could not read of a ticket, or None."""
    return _fault(told, _TICKET, "a ticket")


def _fault(told: object, kinds: Kinds, noun: str) -> str | None:
    if not isinstance(told, dict):
        return f"{noun} is no JSON object"
    for name, kind in kinds.items():
        if not isinstance(told.get(name), kind) or isinstance(told[name], bool):
            return f"{name!r} of {noun} is missing, or of another kind"
    return None
