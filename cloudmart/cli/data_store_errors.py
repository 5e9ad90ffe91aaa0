"""The data store's errors in commands: retried while it is busy, explained if it is down."""

import os
from collections.abc import Callable

from aiohttp import ClientError as AiohttpError
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError
from tenacity import AsyncRetrying, RetryCallState

from cloudmart.dynamodb.refusals import MISCONFIGURED, OF_S3, PartState, explain_refusal
from cloudmart.errors import CloudmartError, UnavailableError
from cloudmart.health.causes import Cause, DependencyError, aws_environment
from cloudmart.health.causes.credentials import HALF_SET
from cloudmart.health.classify import DYNAMODB
from cloudmart.health.dependency_error import dependency_error_of
from cloudmart.retry import operator_retry

OF_AWS = (
    aws.BotoCoreError,
    aws.ClientError,
    ResponseParserError,
    AiohttpError,
    DependencyError,
    UnavailableError,
)
"""What AWS's SDK raises in a command, and our error for it."""

_BLAMED = {
    HALF_SET,
    *(each for each in vars(aws_environment).values() if isinstance(each, Cause)),
}

Tell = Callable[[str], None]
"""Where a command says what happens while it works."""

PATIENCE = 30.0
"""Seconds a command waits for a store that is busy or away."""


def store_retry(tell: Tell, patience: float = PATIENCE) -> AsyncRetrying:
    """Return a retry that repeats a call while the store is busy or down."""

    def say(state: RetryCallState) -> None:
        tell(f"The data store is busy or away. Trying again in {state.upcoming_sleep:.1f} s.")

    return operator_retry(_may_pass, patience, before_sleep=say)


def explanation(error: Exception) -> str:
    """Tell an operator what went wrong: the cause, which a customer does not see."""
    if isinstance(error, DependencyError):
        return told(error)
    cause = error.__cause__ if isinstance(error, CloudmartError) else error
    if cause is None:
        return str(error)
    if said := explain_misconfiguration(cause):
        return said
    refusal = explain_refusal(cause)
    if isinstance(cause, aws.ClientError) and cause.operation_name in OF_S3:
        return f"S3 cannot be used: {refusal.remark.rstrip('.')}."
    way_out = " `cloudmart tables apply` makes it." if refusal.state is PartState.MISSING else ""
    return f"DynamoDB cannot be used: {refusal.remark.rstrip('.')}.{way_out}"


def explain_misconfiguration(error: BaseException) -> str | None:
    """Return which variable or file causes an error, and what to do; None if none does."""
    obstacle = dependency_error_of(error, os.environ, DYNAMODB)
    obstacle.__cause__ = error
    return told(obstacle) if obstacle.cause in _BLAMED else None


def told(obstacle: DependencyError) -> str:
    """Return an obstacle's text for an operator: what is wrong, what to do, what AWS said."""
    answer = f" Answer: {obstacle.answer}" if obstacle.answer else ""
    return f"{obstacle.sentence} {obstacle.remedy_in(os.environ)}{answer}"


def _may_pass(error: BaseException) -> bool:
    if not isinstance(error, UnavailableError):
        return False
    cause = error.__cause__
    if isinstance(cause, aws.ClientError):
        # A running service survives these errors; a command should report them.
        return cause.response["Error"]["Code"] not in MISCONFIGURED
    return cause is None or isinstance(cause, aws.HTTPClientError | aws.ConnectionError | OSError)
