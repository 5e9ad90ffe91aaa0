"""Requests that never reach the application: why, and the answer to their client."""

import json
import time
from http import HTTPStatus
from uuid import uuid4

import structlog

from cloudmart.http.problem import CODES, TYPES, problem_title

_log = structlog.stdlib.get_logger(__name__)

_ONCE_IN = 1.0

# These are in the API's document. The others are about HTTP itself.
_KINDS = {status: CODES[status][0] for status in (HTTPStatus.REQUEST_URI_TOO_LONG,)}


class RequestRefusedError(Exception):
    """A request is not to be read any further; its connection ends with the answer."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.id = uuid4()
        """Tells this refusal from others, in the answer and in the log."""


class MalformedError(RequestRefusedError):
    """What came is not HTTP/1.1, or could be read in two ways."""

    def __init__(self, sentence: str = "This request is not HTTP/1.1.") -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, sentence)


class FieldsTooLargeError(RequestRefusedError):
    """A request has more beside its body than is read."""

    def __init__(self, sentence: str) -> None:
        super().__init__(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, sentence)


def refusal_answer(refused: RequestRefusedError) -> bytes:
    """Return the last answer of a connection, as it is sent."""
    kind = _KINDS.get(refused.status)
    problem = {
        "type": f"{TYPES}/{kind}" if kind else "about:blank",
        "title": problem_title(kind) if kind else refused.status.phrase,
        "status": int(refused.status),
        "detail": refused.sentence,
        # The address may be what is wrong, and is not kept.
        "instance": refused.id.urn,
        "requestId": refused.id.hex,
        "error": refused.sentence,
    }
    body = json.dumps(problem).encode()
    head = (
        f"HTTP/1.1 {int(refused.status)} {refused.status.phrase}\r\n"
        "content-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\n"
        f"x-request-id: {refused.id.hex}\r\n"
        "x-content-type-options: nosniff\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body


class RefusalLog:
    """Logs refusals at most once a second: a client that sends nonsense could fill the log."""

    def __init__(self) -> None:
        self._last = -_ONCE_IN
        self._untold = 0

    def tell(self, refused: RequestRefusedError) -> None:
        """Write a line, or count one that is left out."""
        now = time.monotonic()
        if now - self._last < _ONCE_IN:
            self._untold += 1
            return
        _log.warning(
            "request_refused",
            status=int(refused.status),
            because=refused.sentence,
            request_id=refused.id.hex,
            untold_before=self._untold,
        )
        self._last, self._untold = now, 0
