"""Stored items with unreadable attributes: what the log says about them, and how often."""

import re
import time
from collections.abc import Callable, Sequence

import structlog

from cloudmart.observability.metrics import UNREADABLE_ITEMS, UNREADABLE_LATELY

LATELY = 600.0
"""Seconds for which an item counts as one of the unreadable ones after it was read."""

MOST_TOLD = 20
"""The most items of a kind that are distinguished."""

_LOGGED_EVERY = 300.0
# An address or a text that somebody stored as an id is no id of this shop's.
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# The id of a conversation opens it, so no line of the log has it.
_FIELDS = {"Order": "order_id", "Product": "product_id", "Ticket": "ticket_id"}
_log = structlog.stdlib.get_logger(__name__)


class UnreadableItems:
    """Counts reads of items that cannot be read whole, and names each item every five minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, dict[str, float]] = {}
        self._logged: dict[tuple[str, str], float] = {}

    def add(self, kind: str, key: object, attributes: Sequence[str]) -> None:
        """Count a read of an item, with the attributes that were left out of it."""
        UNREADABLE_ITEMS.labels(kind).inc()
        if kind not in self._seen:
            self._seen[kind] = {}
            UNREADABLE_LATELY.labels(kind).set_function(lambda: self.number(kind))
        name, now = "" if key is None else str(key), self._clock()
        seen = self._lately(kind)
        if name not in seen and len(seen) >= MOST_TOLD:
            return
        seen[name] = now
        if now - self._logged.get((kind, name), -_LOGGED_EVERY) >= _LOGGED_EVERY:
            self._logged[kind, name] = now
            _log.warning("item_unreadable", kind=kind, attributes=attributes, **_named(kind, name))

    def number(self, kind: str) -> int:
        """Return how many items of a kind could not be read whole lately."""
        return len(self._lately(kind))

    def _lately(self, kind: str) -> dict[str, float]:
        seen, now = self._seen.get(kind, {}), self._clock()
        for name, at in list(seen.items()):
            if now - at > LATELY:
                del seen[name]
                self._logged.pop((kind, name), None)
        return seen


def _named(kind: str, key: str) -> dict[str, str]:
    field = _FIELDS.get(kind)
    return {field: key} if field and _ID.fullmatch(key) else {}
