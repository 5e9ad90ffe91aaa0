"""Cursors: where in a list to go on, opaque to the caller and good for that list alone."""

import base64
import json

from cloudmart.errors import Fault, InvalidRequestError

_VERSION = "1"

# DynamoDB's longest partition key, in bytes.
_LONGEST_KEY = 2048


def write(name: str, last: str) -> str:
    """Return the cursor that goes on after an item of a list."""
    text = json.dumps([_VERSION, name, last], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(name: str, cursor: str) -> str:
    """Return the id a cursor goes on after.

    Raises:
        InvalidRequestError: the cursor is broken, or another list's.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        match json.loads(base64.b64decode(padded, altchars=b"-_", validate=True)):
            case [version, list_name, str(last)] if (version, list_name) == (_VERSION, name):
                if 0 < len(last.encode()) <= _LONGEST_KEY and "\0" not in last:
                    return last
    except (ValueError, RecursionError):
        pass
    sentence = "The cursor does not belong to this list. Start again without one."
    raise InvalidRequestError(
        sentence, faults=[Fault("/query/cursor", "not a cursor of this list")]
    )
