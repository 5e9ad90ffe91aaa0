"""How a refusal is counted and logged, and what the log leaves out."""

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from cloudmart.errors import ProviderFailedError, ProviderMisconfiguredError
from tests.ai.providers.conftest import Rig
from tests.ai.providers.steps import request, take, user

SECRET = "My card is 4111 1111 1111 1111"  # noqa: S105 - a customer's, for the log to lose


def counted(name: str, **labels: str) -> float:
    """Return a counter's value."""
    return REGISTRY.get_sample_value(f"cloudmart_provider_{name}_total", labels) or 0


async def test_a_refusal_is_counted_by_what_was_wrong(rig: Rig) -> None:
    labels = {"provider": rig.chat.name}
    refused = counted("refusals", **labels, problem="ai-failed")
    retried = counted("retries", **labels)
    rig.server.play(rig.wire.faulty(), rig.wire.faulty())

    with pytest.raises(ProviderFailedError):
        await take(rig.chat)

    assert counted("refusals", **labels, problem="ai-failed") == refused + 1
    assert counted("retries", **labels) == retried + rig.wire.repeats


async def test_a_refusal_of_our_settings_is_logged_with_its_sentence(rig: Rig) -> None:
    rig.server.play(rig.wire.denied())

    with capture_logs() as events, pytest.raises(ProviderMisconfiguredError):
        await take(rig.chat)

    (event,) = events
    assert event["log_level"] == "error"
    assert event["problem"] == "ai-misconfigured"
    assert event["provider_request_id"] in {"req_1", "req-1"}
    assert "Said by the provider" in event["provider_sentence"]


async def test_what_a_customer_wrote_is_in_no_log(rig: Rig) -> None:
    rig.server.play(rig.wire.faulty(), rig.wire.faulty())

    with capture_logs() as events, pytest.raises(ProviderFailedError):
        await take(rig.chat, request(user(SECRET)))

    assert len(events) == 1
    assert SECRET not in str(events)
    assert "Said by the provider" not in str(events)
