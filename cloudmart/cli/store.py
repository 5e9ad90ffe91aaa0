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

from cloudmart.errors import CloudmartError, UnavailableError

Tell = Callable[[str], None]
"""Where a command says what happens while it works."""

PATIENCE = 30.0
"""Seconds a command waits for a store that is busy or away."""

# A service that runs lives through these, for they may pass; a command had better say them.
_LASTING = {
    "AccessDeniedException": "The credentials in use may not do this",
    "ExpiredTokenException": "The credentials in use have expired",
    "ResourceNotFoundException": "A table does not exist; `cloudmart tables apply` makes it",
    "UnrecognizedClientException": "The credentials in use are not valid",
}


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
    """Tell an operator what went wrong, cause included."""
    cause = error.__cause__
    if isinstance(cause, aws.ClientError):
        told = cause.response["Error"]
        sentence = _LASTING.get(told["Code"], str(error).rstrip("."))
        return f"{sentence} ({told['Code']}: {told.get('Message', '')})."
    return str(error) if cause is None else f"{error} ({str(cause) or type(cause).__name__})"


def _may_pass(error: BaseException) -> bool:
    if not isinstance(error, UnavailableError):
        return False
    cause = error.__cause__
    if isinstance(cause, aws.ClientError):
        return cause.response["Error"]["Code"] not in _LASTING
    return cause is None or isinstance(cause, aws.HTTPClientError | aws.ConnectionError | OSError)
