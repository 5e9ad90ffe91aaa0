"""When the answers to probes are written again."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from cloudmart.app import create_app
from cloudmart.health import state
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.services import TABLE_THROTTLED
from cloudmart.health.router import ProbeAnswers
from cloudmart.health.state import Health, Timing
from cloudmart.settings import Settings
from tests.support.ready_app import serving, still

MOMENT = datetime(2026, 11, 28, 8, tzinfo=UTC)


@pytest.fixture
def health() -> Health:
    """Provide the state of a started process, with a clock that stands still."""
    health = Health(rhythm=Timing(now=lambda: MOMENT))
    health.expect(state.ORDERS)
    health.lifecycle.start()
    return health


def test_an_answer_is_written_once_while_nothing_changes(health: Health) -> None:
    answers = ProbeAnswers(health)

    assert answers.find("/health") is answers.find("/health")
    assert answers.find("/health") is not answers.find("/ready")
    assert answers.find("/api/products") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda health: health.succeeded(state.ORDERS, 4.2),
        lambda health: health.failed(state.ORDERS, DependencyError(TABLE_THROTTLED)),
        lambda health: health.disable(state.OPENAI, "OPENAI_API_KEY is not set."),
        lambda health: health.enable(state.OPENAI, "Configured."),
        lambda health: health.warn(state.OPENAI, "It does as it was told."),
        lambda health: health.expect(state.TICKETS),
        lambda health: health.remark(state.OPENAI, DependencyError(TABLE_THROTTLED)),
        lambda health: health.notes.append("One more."),
        lambda health: health.lifecycle.end(),
        lambda health: health.lifecycle.fail("It is no use."),
    ],
    ids=["good", "bad", "off", "on", "warned", "new", "remarked", "noted", "ending", "failed"],
)
@pytest.mark.parametrize("path", ["/health", "/api/health", "/ready"])
def test_a_change_is_reported_at_once(
    path: str, change: Callable[[Health], None], health: Health
) -> None:
    answers = ProbeAnswers(health)
    before = answers.find(path)

    change(health)

    after = answers.find(path)
    assert before
    assert after
    fresh = ProbeAnswers(health).find(path)
    assert fresh
    assert (after.status_code, after.body) == (fresh.status_code, fresh.body)
    assert (after.status_code, after.body) != (before.status_code, before.body)


def test_ages_are_updated_each_second(health: Health) -> None:
    answers = ProbeAnswers(health)
    health.succeeded(state.ORDERS, 4.2)
    before = answers.find("/health")

    health.rhythm = replace(health.rhythm, now=lambda: MOMENT + timedelta(seconds=2))

    after = answers.find("/health")
    assert before
    assert after
    assert b'"age":0.0' in before.body
    assert b'"age":2.0' in after.body


def test_a_use_that_shows_what_is_known_writes_no_answer_anew(health: Health) -> None:
    answers = ProbeAnswers(health)
    health.remark(state.OPENAI, None)
    before = answers.find("/health")

    health.remark(state.OPENAI, None)

    assert answers.find("/health") is before


@pytest.fixture(scope="module")
def client(shared_settings: Settings) -> Iterator[TestClient]:
    """Provide a client of the whole application."""
    with serving(create_app(shared_settings, process=still(shared_settings))) as client:
        yield client


@pytest.mark.parametrize("path", ["/health", "/livez", "/api/health", "/ready", "/startupz"])
def test_a_probe_passes_what_every_request_passes(path: str, client: TestClient) -> None:
    labels = {"method": "GET", "route": path}

    def counted() -> float:
        name = "cloudmart_http_request_duration_seconds_count"
        of_path = [{**labels, "status": status} for status in ("200", "503")]
        return sum(REGISTRY.get_sample_value(name, each) or 0 for each in of_path)

    before = counted()
    first = client.get(path, headers={"X-Request-ID": "mine"})
    second = client.head(path)
    client.post(path)

    assert counted() == before + 2
    assert first.headers["X-Request-ID"] == "mine"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["Cache-Control"] == "no-store"
    assert len(second.headers["X-Request-ID"]) == 32
    assert "RateLimit-Limit" not in first.headers
    assert first.headers["Content-Length"] == second.headers["Content-Length"]
    assert client.post(path).status_code == 405
