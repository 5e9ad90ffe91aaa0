"""The data store as the command line meets it: waited for while it is busy, explained if away."""

from collections.abc import Callable

from botocore import exceptions as aws
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from cloudmart.dynamodb.findings import State, explain
from cloudmart.dynamodb.refusals import MISCONFIGURED
from cloudmart.errors import CloudmartError, UnavailableError

Tell = Callable[[str], None]
"""Where a command says what happens while it works."""

PATIENCE = 30.0
"""Seconds a command waits for a store that is busy or away."""


def patiently(tell: Tell, patience: float = PATIENCE) -> AsyncRetrying:
    """Return what calls a function again for as long as only the store's state is in its way."""

    def say(state: RetryCallState) -> None:
        tell(f"The data store is busy or away. Trying again in {state.upcoming_sleep:.1f} s.")

    return AsyncRetrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_delay(patience),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        before_sleep=say,
        reraise=True,
    )


def explanation(error: CloudmartError | aws.BotoCoreError) -> str:
    """Tell an operator what went wrong: the cause, which a customer is not told."""
    cause = error if isinstance(error, aws.BotoCoreError) else error.__cause__
    if cause is None:
        return str(error)
    refusal = explain(cause)
    way_out = " `cloudmart tables apply` makes it." if refusal.state is State.MISSING else ""
    return f"DynamoDB cannot be used: {refusal.remark.rstrip('.')}.{way_out}"


def _may_pass(error: BaseException) -> bool:
    if not isinstance(error, UnavailableError):
        return False
    cause = error.__cause__
    if isinstance(cause, aws.ClientError):
        # A service that runs lives through these; a command had better say them.
        return cause.response["Error"]["Code"] not in MISCONFIGURED
    return cause is None or isinstance(cause, aws.HTTPClientError | aws.ConnectionError | OSError)
