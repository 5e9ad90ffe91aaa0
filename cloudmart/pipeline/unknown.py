"""Why a value is unknown, in a sentence that anybody may read: no host, no account."""

import asyncio
import re
from collections.abc import Awaitable
from typing import TypeVar

from botocore import exceptions as sdk
from botocore.exceptions import ClientError

from cloudmart.errors import UnavailableError
from cloudmart.pipeline.models import Unknown

T = TypeVar("T")

PATIENCE = 6.0
"""Seconds that all questions together may take."""

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_CREDENTIALS = re.compile(r"Expired|Token|Signature|Credential|UnrecognizedClient|AccessKeyId")
_NOT_THERE = re.compile(r"NotFound|NonExistent|NoSuch|DoesNotExist")
_BUSY = re.compile(r"Throttl|Limit|TooManyRequests|ThroughputExceeded|SlowDown")
_SERVER_FAULT = 500

# Where the permission to call something is not called as what is called.
_ACTIONS = {"ListObjectsV2": "ListBucket"}


class UnknownError(Exception):
    """A value is unknown; the sentence says why."""


class Answers:
    """Collects the values that are unknown after several questions, all within one time."""

    def __init__(self, within: float = PATIENCE) -> None:
        self.unknown: list[Unknown] = []
        self._within = within
        self._deadline = asyncio.get_running_loop().time() + within

    async def ask(self, question: Awaitable[T], *what: str) -> T | None:
        """Return the answer, or None after it noted what is unknown without it."""
        try:
            async with asyncio.timeout_at(self._deadline):
                return await question
        except TimeoutError:
            why = f"There was no answer within {self._within:g} s."
        except UnknownError as error:
            why = str(error)
        self.unknown += [Unknown(what=each, why=why) for each in what]
        return None


def why_of_aws(service: str, prefix: str, error: BaseException, setting: str = "") -> str:
    """Return what an error of a call to AWS says, the missing permission by its name.

    Args:
        service: What people call it.
        prefix: What its permissions begin with.
        error: What the call raised.
        setting: What names the thing that was asked about.
    """
    cause = error.__cause__ if isinstance(error, UnavailableError) else error
    if isinstance(cause, ClientError):
        return _refusal(service, prefix, cause, setting)
    if isinstance(cause, sdk.NoCredentialsError | sdk.PartialCredentialsError):
        return "There are no AWS credentials."
    if isinstance(cause, sdk.NoRegionError):
        return "No AWS region is set: set AWS_REGION to the region of the tables."
    if isinstance(cause, TimeoutError | sdk.ReadTimeoutError | sdk.ConnectTimeoutError):
        return f"{service} did not answer in time."
    return f"{service} cannot be reached."


def _refusal(service: str, prefix: str, error: ClientError, setting: str) -> str:
    code: str = error.response["Error"]["Code"]
    operation: str = error.operation_name
    if code in _DENIED:
        namespace = "sts" if operation.startswith("AssumeRole") else prefix
        action = f"{namespace}:{_ACTIONS.get(operation, operation)}"
        return f"The service's role lacks the permission {action}."
    if _NOT_THERE.search(code):
        return f"{service} does not know the name that {setting} gives."
    if _BUSY.search(code):
        return f"{service} accepts no more requests at the moment."
    if _CREDENTIALS.search(code):
        return f"{service} does not accept the service's credentials ({code})."
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_FAULT:
        return f"{service} reports a fault of its own."
    return f"{service} refuses to answer ({code})."


def may_be_retried(error: BaseException) -> bool:
    """Return whether another try makes sense after an error of a call to DynamoDB."""
    if not isinstance(error, UnavailableError):
        return False
    if not isinstance(error.__cause__, ClientError):
        return True
    code: str = error.__cause__.response["Error"]["Code"]
    return code not in _DENIED and not (_NOT_THERE.search(code) or _CREDENTIALS.search(code))
