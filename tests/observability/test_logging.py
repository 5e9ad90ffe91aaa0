"""The lines of the log: our own events and those of libraries, in one form."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from cloudmart.observability.logging import configure_logging


@pytest.fixture
def stderr() -> Iterator[io.StringIO]:
    """Provide the lines that are logged as JSON, and restore the logging of the tests' process."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        configure_logging(json=True)
        yield stream
    structlog.configure(**configured)
    root.handlers[:] = handlers
    root.setLevel(level)


def _events(stream: io.StringIO) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    for event in events:
        assert event.pop("timestamp").endswith("Z")
    return events


def test_an_event_of_ours_is_a_line_with_its_context(stderr: io.StringIO) -> None:
    log = structlog.stdlib.get_logger("cloudmart.orders")
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        log.info("order_placed", order_id="k7m2", lines=1)
        log.debug("nothing")

    (line,) = stderr.getvalue().splitlines()
    told = '{"order_id": "k7m2", "lines": 1, "event": "order_placed", "request_id": "r1", '
    assert line.startswith(f'{told}"level": "info", "logger": "cloudmart.orders", "timestamp": "2')


def test_an_event_of_ours_and_one_of_a_library_have_one_form(stderr: io.StringIO) -> None:
    structlog.stdlib.get_logger("cloudmart.orders").warning("about_%s", "orders")
    logging.getLogger("library").warning("about %s", "orders")

    assert _events(stderr) == [
        {"event": "about_orders", "level": "warning", "logger": "cloudmart.orders"},
        {"event": "about orders", "level": "warning", "logger": "library"},
    ]


def test_a_bug_is_reported_with_its_traceback(stderr: io.StringIO) -> None:
    log = structlog.stdlib.get_logger("cloudmart.orders")
    try:
        [].pop()
    except IndexError:
        log.exception("request_failed", route="/api/orders")

    (event,) = _events(stderr)
    assert (event["event"], event["level"]) == ("request_failed", "error")
    assert event["exception"].startswith("Traceback (most recent call last):\n")
    assert event["exception"].endswith("\nIndexError: pop from empty list")


def test_a_log_line_that_cannot_be_written_stops_nothing(stderr: io.StringIO) -> None:
    stderr.close()

    structlog.stdlib.get_logger("cloudmart.orders").info("order_placed")
