"""Patience with DynamoDB, for an operator's commands: longer than a request would wait."""

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from tenacity import retry, retry_if_exception, stop_after_delay, wait_random_exponential

from cloudmart.pipeline.unknown import may_pass

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE = 60.0


def patiently(call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Return a call that is made again for a minute while DynamoDB is busy or away."""
    trying: Callable[P, Awaitable[T]] = retry(
        retry=retry_if_exception(may_pass),
        stop=stop_after_delay(_PATIENCE),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )(call)
    return trying
