"""Answers that are not AWS's: what a proxy or a gateway on the way sends instead."""

import json
from collections.abc import Mapping
from typing import Any

from aiobotocore.parsers import AioJSONParser, AioResponseParserFactory
from botocore.parsers import ResponseParserError

_REQUEST_ID = "x-amzn-requestid"
_SERVER_FAULT = 500

Response = Mapping[str, Any]
"""An answer as the SDK hands it over: status, headers with lower-case names, body."""


class ForeignAnswerError(ResponseParserError):  # type: ignore[misc]  # the SDK has no types
    """Something on the way answered in AWS's place."""


class StrictJSONParser(AioJSONParser):  # type: ignore[misc]  # the SDK has no types
    """Reads what AWS answers in JSON, and raises ForeignAnswerError for what is not AWS's.

    By itself the SDK reads a page of HTML, or nothing, as an empty answer: to a write or a delete
    that is a success. AWS gives every answer an id, and always answers with a JSON object.
    """

    async def parse(self, response: Response, shape: object) -> Any:  # noqa: ANN401 - botocore's
        """Return an answer in the shape that the SDK's callers know."""
        # A fault of a server is tried again by the SDK, whoever tells of it.
        if response["status_code"] < _SERVER_FAULT and _REQUEST_ID not in response["headers"]:
            msg = f"an answer with status {response['status_code']} has no {_REQUEST_ID}"
            raise ForeignAnswerError(msg)
        return await super().parse(response, shape)

    def _do_error_parse(self, response: Response, shape: object) -> Any:  # noqa: ANN401 - as above
        try:
            return super()._do_error_parse(response, shape)
        except ForeignAnswerError:
            if response["status_code"] < _SERVER_FAULT:
                raise
            return self._do_generic_error_parse(response)

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
