"""The JSON of calls and answers, ten times as fast as the standard library's.

What msgspec refuses goes to the standard library, so that both give the same results.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec


def encode_call(parameters: Mapping[str, Any]) -> bytes:
    """Return the parameters of a call, or raise TypeError for what DynamoDB does not have."""
    try:
        return msgspec.json.encode(parameters)
    except (TypeError, UnicodeEncodeError):
        # A class of texts, or half of a character, which DynamoDB refuses in its own words.
        return json.dumps(parameters, separators=(",", ":"), default=_binary).encode()


def decode_answer(answer: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return what an answer holds, or raise ValueError or RecursionError."""
    try:
        return msgspec.json.decode(answer)
    except msgspec.DecodeError:
        # Half of a character, which JSON may have.
        return json.loads(answer)


def _binary(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is no value of DynamoDB")
