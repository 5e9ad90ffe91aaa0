"""When a failed call is made again."""

import asyncio

import pytest

from cloudmart.retry import operator_retry, start_retry


class FlakyCall:
    """Fails some times, and then answers."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    async def __call__(self) -> str:
        """Fail, or answer."""
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return "answer"


def passes(error: BaseException) -> bool:
    """Return whether an error is temporary."""
    return isinstance(error, ConnectionError)


async def test_a_command_calls_again_what_may_pass() -> None:
    call = FlakyCall(2, ConnectionError())

    answer: str = await operator_retry(passes, 60)(call)

    assert (answer, call.calls) == ("answer", 3)


async def test_a_command_does_not_call_again_what_stays_wrong() -> None:
    call = FlakyCall(2, ValueError("wrong"))

    with pytest.raises(ValueError, match="wrong"):
        await operator_retry(passes, 60)(call)

    assert call.calls == 1


async def test_a_command_s_patience_ends_with_the_error_itself() -> None:
    call = FlakyCall(10, ConnectionError("away"))

    with pytest.raises(ConnectionError, match="away"):
        await operator_retry(passes, 0)(call)


async def test_a_start_makes_its_last_attempt_at_the_deadline() -> None:
    call = FlakyCall(1000, ConnectionError("away"))
    left = 20.0
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal left
        waits.append(seconds)
        left -= seconds
        await asyncio.sleep(0)

    retrying = start_retry(passes, lambda: left, 5.0, sleep, lambda _: None)
    with pytest.raises(ConnectionError, match="away"):
        await retrying(call)

    assert sum(waits) == pytest.approx(20)
    assert max(waits) <= 5
    assert call.calls == len(waits) + 1
