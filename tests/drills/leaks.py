"""What a pod, a Lambda and a doctor must not write: customers' data, keys, and ids out of place."""

import json
import re
from collections.abc import Collection, Iterator, Sequence

from cloudmart.findings.finding import CheckFinding
from cloudmart.observability.events import declared_events
from cloudmart.values.ids import ALPHABET, LENGTH
from tests.drills.shop import DrilledShop

_OUR_ID = re.compile(rf"(?<!\w)[{ALPHABET}]{{{LENGTH}}}(?!\w)")
# With it, anybody could read the chat and continue it.
_OF_A_CHAT = re.compile(r"\b(?:thread|conv)_[A-Za-z0-9]{16,}")


def leaks_of(shop: DrilledShop, metrics: str, found: Sequence[CheckFinding]) -> list[str]:
    """Return in sentences what is where it must not be."""
    log = shop.log.getvalue()
    places = {
        "the log": log,
        "the metrics": metrics,
        "the traces": shop.collector.text,
        "the doctor's findings": "\n".join(map(str, found)),
    }
    said = [
        f"{what} is in {where}."
        for where, text in places.items()
        for what, secret in shop.secrets.items()
        if secret in text
    ]
    said += [
        f"the id of a chat is in {where}."
        for where, text in places.items()
        if _OF_A_CHAT.search(text)
    ]
    orders = shop.orders
    said += [
        f"the id of an order is in {where}."
        for where in ("the metrics", "the traces")
        if names_one(places[where], orders)
    ]
    events = sorted(set(unlisted_events(log, orders)))
    return [*said, *(f"the id of an order is in the event {each}." for each in events)]


def names_one(text: str, orders: Collection[str]) -> bool:
    """Return whether a text has the id of an order."""
    return not set(orders).isdisjoint(_OUR_ID.findall(text))


def unlisted_events(log: str, orders: Collection[str]) -> Iterator[str]:
    """Yield the events with the id of an order of which docs/events.md does not say so."""
    allowed = {name for name, event in declared_events().items() if event.names_orders}
    for line in log.splitlines():
        if names_one(line, orders):
            event = json.loads(line)["event"] if line.startswith("{") else line
            if event not in allowed:
                yield event
