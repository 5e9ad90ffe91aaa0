"""Every event that the log may have: what it means, and which fields its line has."""

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path

COMMON = ("event", "level", "logger", "timestamp", "request_id", "conversation")
"""What a line may have beside its event's own fields; the last two while a request is answered.

While tracing is on, a request's lines have `trace_id` and `span_id` as well.
"""

MARK = "<!-- What follows is written by `make docs`. -->\n"

_ORDERS = frozenset({"order_id", "order_ids"})


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One kind of line."""

    name: str
    section: str
    meaning: str
    fields: tuple[str, ...]

    @property
    def names_orders(self) -> bool:
        """Return whether a line may hold ids of orders."""
        return not _ORDERS.isdisjoint(self.fields)


@cache
def declared_events() -> dict[str, LogEvent]:
    """Return the events by their names, in the order of the page."""
    text = files("cloudmart.observability").joinpath("events.toml").read_text("utf-8")
    return {
        name: LogEvent(name, each["section"], each["meaning"], tuple(each["fields"]))
        for name, each in tomllib.loads(text).items()
    }


def events_page() -> str:
    """Return a table of events for each section."""
    return "\n".join(_lines())


def write_events(page: Path) -> None:
    """Renew the end of a page."""
    text = page.read_text(encoding="utf-8").partition(MARK)[0]
    page.write_text(f"{text}{MARK}\n{events_page()}", encoding="utf-8")


def _lines() -> Iterator[str]:
    for section, events in groupby(declared_events().values(), lambda event: event.section):
        yield f"## {section}\n\n| event | fields | meaning |\n|---|---|---|"
        for event in events:
            fields = ", ".join(f"`{field}`" for field in event.fields)
            yield f"| `{event.name}` | {fields} | {event.meaning} |"
        yield ""


if __name__ == "__main__":
    write_events(Path(sys.argv[1]))
