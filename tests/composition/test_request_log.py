"""Log lines about requests: which requests have one, what it says, and what it never says."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from cloudmart.app import create_app
from cloudmart.cli.command_settings import log_as_told
from cloudmart.composition.request_log import SLOW, RequestLog
from cloudmart.settings import LogFormat, LogSettings, Settings, load_settings
from tests.support.ready_app import serving, still

Event = dict[str, Any]


@pytest.fixture
def lines(shared_client: TestClient) -> Iterator[list[Event]]:
    """Provide the events that are logged during a test's requests."""
    assert shared_client
    with capture_logs() as events:
        yield events  # type: ignore[misc]


def _requests(events: list[Event]) -> list[Event]:
    return [each for each in events if each["event"] == "request"]


def test_reads_that_go_well_and_probes_have_no_line(
    shared_client: TestClient, lines: list[Event]
) -> None:
    for path in ("/api/products", "/api/products/1", "/api/orders", "/health", "/ready", "/"):
        shared_client.get(path)
    shared_client.head("/api/products")
    shared_client.head("/health")
    shared_client.get("/metrics")

    # On a busy machine a read may take a second, and then it has a line.
    assert [each for each in _requests(lines) if each["duration_ms"] < 1000] == []


def test_a_write_has_a_line_with_its_route_status_time_and_ids(
    shared_client: TestClient, lines: list[Event]
) -> None:
    placed = shared_client.post("/api/orders", json={"productId": "1", "quantity": 1}).json()
    shared_client.put(f"/api/orders/{placed['id']}", json={"status": "Shipped"})

    first, second = _requests(lines)
    assert first["method"] == "POST"
    assert first["route"] == "/api/orders"
    assert first["status"] == 201
    assert first["duration_ms"] > 0
    assert first["log_level"] == "info"
    assert "problem" not in first
    assert second["route"] == "/api/orders/{order_id}"
    assert second["order_id"] == placed["id"]


def test_a_refusal_has_a_line_with_its_problem(
    shared_client: TestClient, lines: list[Event]
) -> None:
    shared_client.get("/api/tickets/23456789abcdefgh")
    shared_client.get("/api/orders?limit=none")
    shared_client.get("/nowhere/at/all")

    told = [(each["route"], each["status"], each["problem"]) for each in _requests(lines)]
    assert told == [
        ("/api/tickets/{ticket_id}", 404, "not-found"),
        ("/api/orders", 422, "invalid-request"),
        ("unknown", 404, "not-found"),
    ]
    assert _requests(lines)[0]["ticket_id"] == "23456789abcdefgh"


@pytest.mark.parametrize(
    "given", ["ann@example.org", "sk-proj-0123456789", "Where is my lamp?", "9" * 30, "ABCDEF12"]
)
def test_a_foreign_id_is_not_logged(
    shared_client: TestClient, lines: list[Event], given: str
) -> None:
    shared_client.get(f"/api/orders/{given}")

    (line,) = _requests(lines)
    assert line["route"] == "/api/orders/{order_id}"
    assert given not in str(line)


def test_an_invalid_method_is_not_logged(shared_client: TestClient, lines: list[Event]) -> None:
    shared_client.request("PASSWORD123", "/api/products")

    (line,) = _requests(lines)
    assert line["method"] == "other"
    assert line["status"] == 405


def test_a_slow_read_and_a_fault_are_warnings() -> None:
    log = RequestLog()
    scope = {"method": "GET", "path": "/api/products", "state": {}}

    with capture_logs() as events:
        log.note(scope, "GET", "/api/products", 200, SLOW)
        log.note(scope, "GET", "/api/products", 500, 0.01)
        log.note(scope, "GET", "/health", 503, 2 * SLOW)

    assert [(each["status"], each["log_level"]) for each in events] == [
        (200, "warning"),
        (500, "warning"),
    ]
    assert events[0]["duration_ms"] == SLOW * 1000


@pytest.mark.parametrize(("share", "lines"), [(0.0, 0), (1.0, 100)])
def test_a_share_of_the_reads_has_lines(share: float, lines: int) -> None:
    log = RequestLog(share)
    scope = {"method": "GET", "path": "/api/products", "state": {}}

    with capture_logs() as events:
        for _ in range(100):
            log.note(scope, "GET", "/api/products", 200, 0.001)
            log.note(scope, "GET", "/health", 200, 0.001)

    assert len(events) == lines


def test_refused_orders_are_counted_by_the_reason(shared_client: TestClient) -> None:
    def refused(reason: str) -> float:
        name = "cloudmart_orders_refused_total"
        return REGISTRY.get_sample_value(name, {"reason": reason}) or 0

    bodies: dict[str, Any] = {
        "unknown-product": {"productId": "999", "quantity": 1},
        "price-changed": {"productId": "1", "quantity": 1, "total": 1},
        "invalid-request": {"productId": "1", "quantity": 0},
    }
    before = {reason: refused(reason) for reason in bodies}

    for body in bodies.values():
        shared_client.post("/api/orders", json=body)
    shared_client.get("/api/orders/23456789abcdefgh")

    assert {reason: refused(reason) - count for reason, count in before.items()} == dict.fromkeys(
        bodies, 1
    )


def test_an_order_that_is_refused_before_its_route_is_counted(settings: Settings) -> None:
    limited = settings.model_copy(
        update={"limits": settings.limits.model_copy(update={"write": 1})}
    )
    name, labels = "cloudmart_orders_refused_total", {"reason": "too-many-requests"}
    before = REGISTRY.get_sample_value(name, labels) or 0

    with serving(create_app(limited, process=still(limited))) as client:
        for _ in range(3):
            client.post("/api/orders", json={})

    assert REGISTRY.get_sample_value(name, labels) == before + 2


@pytest.mark.parametrize("written", ["WARNING", "warning", "Warning"])
def test_a_level_may_be_written_in_any_case(written: str) -> None:
    loaded = load_settings({"LOG_LEVEL": written}, secrets={})

    assert loaded.settings.log.level.number == logging.WARNING


@pytest.mark.parametrize(
    ("form", "begin"), [(LogFormat.JSON, '{"'), (LogFormat.CONSOLE, "2"), (None, '{"')]
)
def test_the_log_has_the_form_that_is_asked_for(
    form: LogFormat | None, begin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log_as_told(LogSettings(format=form, level="warning"))

    logging.getLogger("a library").info("too quiet")
    logging.getLogger("a library").warning("loud")

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(begin)
    assert "loud" in line
