"""Whose order it is: decided by the e-mail a customer wrote, never by what a model says."""

import hmac
import re

from cloudmart.orders.models import Order
from cloudmart.values.email import owner_form

# Bounded on both sides, so that no text makes it look twice at much.
_PART = r"[^\s@<>()\[\]{},;:\"'`|«»“”„‘’]"  # noqa: RUF001 - quotes as people type them
_ADDRESS = re.compile(f"{_PART}{{1,64}}@{_PART}{{1,255}}")


def address_in(message: str) -> str | None:
    """Return the e-mail address a customer gives in a message; of several, none."""
    matches = (match.strip("*_.!?") for match in _ADDRESS.findall(message))
    found = {owner_form(match): match.encode().lower().decode() for match in matches}
    return found.popitem()[1] if len(found) == 1 else None


def owns(address: str, order: Order) -> bool:
    """Tell whether an order is a customer's, in a time that depends on neither."""
    owner = owner_form(order.user_email or "")
    return owner != b"" and hmac.compare_digest(owner_form(address), owner)
