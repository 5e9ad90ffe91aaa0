"""DynamoDB's errors: what each means for a caller. Also answers that are not from AWS."""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiobotocore.parsers import AioJSONParser, AioResponseParserFactory
from aiohttp import ClientError as AiohttpError
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
from botocore.parsers import ResponseParserError

from cloudmart.errors import UnavailableError

_REQUEST_ID = "x-amzn-requestid"
_SERVER_FAULT = 500

Response = Mapping[str, Any]
"""An answer as the SDK hands it over: status, headers with lower-case names, body."""

BUSY = frozenset(
    {
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        # Another replica of a global table, or a transaction, writes the item just now.
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottledException",
        "ResourceInUseException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Codes that say "not now": the same call may succeed in a moment."""

THROTTLED = BUSY - {
    "ReplicatedWriteConflictException",
    "ResourceInUseException",
    "TransactionConflictException",
    "TransactionInProgressException",
}
"""Those that say that more was asked than may be."""

FAILING = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "RequestAbortedException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
"""Codes of an outage."""

KMS = frozenset(
    {
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
        "KMSOptInRequired",
    }
)
"""Codes that say that the key of a table cannot be used."""

MISCONFIGURED = KMS | frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "IndexNotFoundException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "ResourceNotFoundException",
        "SignatureDoesNotMatch",
        "TableNotFoundException",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
"""Codes that say that a person has to change something, or is just changing it."""

PASSING = BUSY | FAILING | MISCONFIGURED
"""Codes that are no fault of the request: the caller should try again."""

TROUBLE = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    AiohttpError,
    OSError,
    UnavailableError,
)
"""What a call may raise that is not a bug."""

_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})
_UNKNOWN = frozenset({"UnknownOperationException", "UnsupportedOperationException"})
_NOT_IMPLEMENTED = 501
# AWS names the action in its sentence, which may be another service's (a key of KMS).
_ACTION = re.compile(r"not authorized to perform: (\w[\w-]*:\w+)")
_UNSET = {
    NoRegionError: "no AWS region is set: set AWS_REGION to the tables' region",
    NoCredentialsError: (
        "there are no AWS credentials: sign in (`aws sso login`), name a profile with AWS_PROFILE, "
        "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ),
}
# Where the permission to call something is not called as what is called.
OF_S3 = {
    "DeleteObject": "DeleteObject",
    "GetObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "PutObject": "PutObject",
}


class ForeignAnswerError(ResponseParserError):  # type: ignore[misc]  # the SDK has no types
    """Something on the way answered in AWS's place."""


class DamagedAnswerError(ForeignAnswerError):
    """An answer was changed on the way: its checksum is wrong."""

    def __init__(self) -> None:
        super().__init__("the checksum of an answer is wrong")


DAMAGED = "Damaged"
"""Among the metadata of the SDK's answers: the checksum is wrong. After its last try the SDK
returns such an answer all the same."""


def is_damaged(answer: bytes, headers: Mapping[str, str]) -> bool:
    """Return whether an answer has a checksum, and another one than it says."""
    checksum = headers.get("x-amz-crc32")
    return checksum is not None and checksum != str(zlib.crc32(answer))


class StrictJSONParser(AioJSONParser):  # type: ignore[misc]  # the SDK has no types
    """Reads what AWS answers in JSON, and raises ForeignAnswerError for what is not AWS's.

    By itself the SDK reads a page of HTML, or nothing, as an empty answer: to a write or a delete
    that is a success. AWS gives every answer an id, and always answers with a JSON object.
    """

    async def parse(self, response: Response, shape: object) -> Any:  # noqa: ANN401 - botocore's
        """Return an answer in the shape that the SDK's callers know."""
        # The SDK tries a server's fault again, whichever server reports it.
        if response["status_code"] < _SERVER_FAULT and _REQUEST_ID not in response["headers"]:
            msg = f"an answer with status {response['status_code']} has no {_REQUEST_ID}"
            raise ForeignAnswerError(msg)
        parsed = await super().parse(response, shape)
        if is_damaged(response["body"], response["headers"]):
            parsed["ResponseMetadata"][DAMAGED] = True
        return parsed

    def _do_error_parse(self, response: Response, shape: object) -> Any:  # noqa: ANN401 - as above
        status = response["status_code"]
        try:
            parsed = super()._do_error_parse(response, shape)
        except ForeignAnswerError:
            if status < _SERVER_FAULT:
                raise
            return self._do_generic_error_parse(response)
        # The SDK writes the status where an answer names no error; AWS always names one.
        if status < _SERVER_FAULT and parsed["Error"]["Code"] in {"", str(status)}:
            raise ForeignAnswerError(f"an answer with status {status} names no error")
        return parsed

    def _parse_body_as_json(self, body_contents: bytes) -> dict[str, Any]:
        try:
            parsed = json.loads(body_contents)
        except (ValueError, RecursionError) as error:
            raise ForeignAnswerError("an answer is no JSON") from error
        if not isinstance(parsed, dict):
            raise ForeignAnswerError("an answer is no JSON object")
        return parsed


class StrictParserFactory(AioResponseParserFactory):  # type: ignore[misc]  # as above
    """Gives the strict parser to the services that speak JSON over POST, as DynamoDB does."""

    def create_parser(self, protocol_name: str) -> Any:  # noqa: ANN401 - botocore's
        """Return the parser of a protocol."""
        if protocol_name == "json":
            return StrictJSONParser(**self._defaults)
        return super().create_parser(protocol_name)


class PartState(StrEnum):
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
        """Return whether nothing is left to do: what an endpoint cannot have, it need not have."""
        return self in {PartState.OK, PartState.UNSUPPORTED}


@dataclass(frozen=True, slots=True)
class TableRefusal:
    """DynamoDB did not do, or did not report, what the call asked for."""

    state: PartState
    remark: str


def explain_refusal(error: BaseException) -> TableRefusal:
    """Return what a call's trouble means: a missing permission by the name of its IAM action."""
    if isinstance(error, ForeignAnswerError):
        return TableRefusal(
            PartState.FAILED, f"something else answers in place of DynamoDB: {error}"
        )
    if not isinstance(error, ClientError):
        told = [sentence for kind, sentence in _UNSET.items() if isinstance(error, kind)]
        remark = told[0] if told else str(error) or type(error).__name__
        return TableRefusal(PartState.FAILED, remark)
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in _UNKNOWN or status == _NOT_IMPLEMENTED:
        return TableRefusal(PartState.UNSUPPORTED, f"this endpoint has no {error.operation_name}")
    if code == "ResourceNotFoundException":
        return TableRefusal(PartState.MISSING, "the table does not exist")
    if code in _DENIED:
        named = _ACTION.search(message)
        action = named[1] if named else _action(error.operation_name)
        return TableRefusal(PartState.DENIED, f"the permission {action} is missing")
    return TableRefusal(PartState.FAILED, f"{error.operation_name}: {code}: {message}")


def _action(operation: str) -> str:
    """Return the IAM action of an operation: a command calls S3 as well, and STS by the way."""
    if operation in OF_S3:
        return f"s3:{OF_S3[operation]}"
    return f"{'sts' if operation.startswith('AssumeRole') else 'dynamodb'}:{operation}"
