"""Items that are nobody's: the service's own notes, and orders that only try the pipeline.

Notes are kept among the conversations. Those of releases before are still among the orders, where
they look like empty cancelled orders, because older readers of the table do not know them.
"""

from decimal import Decimal
from typing import Any

from cloudmart.values.timestamp import now, stamp

BACKFILL = "internal-backfill"
PROBE = "internal-probe"
"""An id no item ever has: reading it tells whether a table can be read."""
ORDER_SECRET = "internal-order-secret"  # noqa: S105 - the name of a secret, not one

# Orders of ours have 16 letters and digits, older ones 8 hex digits; neither has a hyphen.
_PREFIX = "internal-"

HEARTBEAT = "heartbeat-"
"""How the ids of orders begin that only show whether the pipeline works."""


def is_order(key: str) -> bool:
    """Tell whether an id is that of an order somebody placed."""
    return not is_internal(key) and not is_heartbeat(key)


def is_internal(key: str) -> bool:
    """Tell whether an id in the orders table is not an order's."""
    return key.startswith(_PREFIX)


def is_heartbeat(key: str) -> bool:
    """Tell whether an order is none of a customer's, but travels the pipeline like one."""
    return key.startswith(HEARTBEAT)


def note(key: str, **attributes: object) -> dict[str, Any]:
    """Return an item that carries attributes of ours under an internal id."""
    moment = stamp(now())
    shell = {"items": [], "total": Decimal(), "status": "Canceled"}
    return {"id": key, **shell, "createdAt": moment, "updatedAt": moment, **attributes}
