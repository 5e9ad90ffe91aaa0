"""What is found of a table, part by part, and what DynamoDB's refusals mean to an operator."""

import re
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import ClientError as AiohttpError
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError
from botocore.parsers import ResponseParserError

from cloudmart.dynamodb.answers import ForeignAnswerError
from cloudmart.dynamodb.steps import Step
from cloudmart.errors import UnavailableError

TROUBLE = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    AiohttpError,
    OSError,
    UnavailableError,
)
"""What a call may raise that is no bug of ours."""

_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})
_UNKNOWN = frozenset({"UnknownOperationException", "UnsupportedOperationException"})
_NOT_IMPLEMENTED = 501

# AWS names the action in its sentence, which may be another service's (a key of KMS).
_ACTION = re.compile(r"not authorized to perform: (\w[\w-]*:\w+)")
# Where the permission to call something is not called as what is called.
OF_S3 = {
    "DeleteObject": "DeleteObject",
    "GetObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "PutObject": "PutObject",
}


class State(StrEnum):
    """How a part of a table is."""

    OK = "ok"
    MISSING = "missing"
    CHANGING = "changing"
    WRONG = "wrong"
    UNSUPPORTED = "unsupported"
    DENIED = "denied"
    FAILED = "failed"

    @property
    def is_fine(self) -> bool:
        """Tell whether nothing is left to do: what an endpoint cannot have, it need not have."""
        return self in {State.OK, State.UNSUPPORTED}


@dataclass(frozen=True, slots=True)
class Refusal:
    """DynamoDB did not do, or say, what it was asked."""

    state: State
    remark: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A part of a table, how it is, and the step that would mend it, if one can."""

    table: str
    part: str
    state: State
    remark: str = ""
    step: Step | None = None


def explain(error: BaseException) -> Refusal:
    """Return what a call's trouble means: a missing permission by the name of its IAM action."""
    if isinstance(error, ForeignAnswerError):
        return Refusal(State.FAILED, f"something in between answers in DynamoDB's place: {error}")
    if not isinstance(error, ClientError):
        unset = isinstance(error, NoRegionError)
        remark = "no AWS region is set: set AWS_REGION to the tables' region" if unset else ""
        return Refusal(State.FAILED, remark or str(error) or type(error).__name__)
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in _UNKNOWN or status == _NOT_IMPLEMENTED:
        return Refusal(State.UNSUPPORTED, f"this endpoint has no {error.operation_name}")
    if code == "ResourceNotFoundException":
        return Refusal(State.MISSING, "the table does not exist")
    if code in _DENIED:
        named = _ACTION.search(message)
        action = named[1] if named else _action(error.operation_name)
        return Refusal(State.DENIED, f"the permission {action} is missing")
    return Refusal(State.FAILED, f"{error.operation_name}: {code}: {message}")


def _action(operation: str) -> str:
    """Return the IAM action of an operation: a command calls S3 as well, and STS by the way."""
    if operation in OF_S3:
        return f"s3:{OF_S3[operation]}"
    return f"{'sts' if operation.startswith('AssumeRole') else 'dynamodb'}:{operation}"
