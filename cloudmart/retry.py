"""When a call that failed is made again: at the start, in a request, by an operator's command."""

from collections.abc import Awaitable, Callable

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

REQUEST_ATTEMPTS = 2
"""Calls that a request may make for one answer.

The second comes soon: the caller should learn of an outage and not wait for its end. AWS's SDK
makes it, and so does our own transport, by the rules of the SDK's "standard" retries.
"""

_LONGEST_OPERATOR_WAIT = 10.0


def start_retry(
    passes: Callable[[BaseException], bool],
    left: Callable[[], float],
    longest_wait: float,
    sleep: Callable[[float], Awaitable[None]],
    before_sleep: Callable[[RetryCallState], None],
) -> AsyncRetrying:
    """Return what makes a call again while the service starts, as long as any time is left."""
    jitter = wait_random_exponential(multiplier=0.5, max=longest_wait)
    return AsyncRetrying(
        retry=retry_if_exception(passes),
        # The last attempt is made when the deadline comes, not one wait before.
        wait=lambda state: max(0.0, min(jitter(state), left())),
        stop=lambda _: left() <= 0,
        before_sleep=before_sleep,
        sleep=sleep,
        reraise=True,
    )


def operator_retry(
    passes: Callable[[BaseException], bool],
    patience: float,
    before_sleep: Callable[[RetryCallState], None] | None = None,
) -> AsyncRetrying:
    """Return what makes a call again for some seconds: no request could wait as long."""
    return AsyncRetrying(
        retry=retry_if_exception(passes),
        wait=wait_random_exponential(multiplier=0.2, max=_LONGEST_OPERATOR_WAIT),
        stop=stop_after_delay(patience),
        before_sleep=before_sleep,
        reraise=True,
    )
