"""A fake of Bedrock's wire format: the event streams of AWS, and its errors."""

import json
import struct
from base64 import b64encode
from typing import Any
from zlib import crc32

from tests.support.scripted_server import Fault, Reply

_STRING = b"\x07"

USAGE = {"inputTokens": 120, "outputTokens": 30, "totalTokens": 150}


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """Return one message of `application/vnd.amazon.eventstream`."""
    named = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + _STRING
        + struct.pack("!H", len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(named) + len(payload), len(named))
    message = prelude + struct.pack("!I", crc32(prelude)) + named + payload
    return message + struct.pack("!I", crc32(message))


def rewritten(message: bytes, old: bytes, new: bytes) -> bytes:
    """Return a message with another payload."""
    (named,) = struct.unpack("!I", message[4:8])
    payload = message[12 + named : -4].replace(old, new)
    prelude = struct.pack("!II", 16 + named + len(payload), named)
    changed = prelude + struct.pack("!I", crc32(prelude)) + message[12 : 12 + named] + payload
    return changed + struct.pack("!I", crc32(changed))


def event(kind: str, **members: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return an event."""
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return frame(headers, json.dumps(members, separators=(",", ":")).encode())


def exception(kind: str, message: str = "Said by the provider.") -> bytes:
    """Return an error inside a stream."""
    headers = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return frame(headers, json.dumps({"message": message}).encode())


def chunk(text: bytes | str) -> bytes:
    """Return a part of an agent's answer. A part may end in the middle of a character."""
    piece = text.encode() if isinstance(text, str) else text
    return event("chunk", bytes=b64encode(piece).decode())


def stream(*frames: bytes | Fault) -> Reply:
    """Return an answer of several frames."""
    return Reply(headers={"content-type": "application/vnd.amazon.eventstream"}, chunks=frames)


def error(status: int, code: str, message: str = "Said by the provider.", **headers: str) -> Reply:
    """Return an error in Bedrock's form."""
    return Reply.json(
        status, {"message": message}, x_amzn_ErrorType=code, x_amzn_RequestId="req-1", **headers
    )


def return_control(invocation: str, *inputs: dict[str, Any]) -> bytes:
    """Return the event with which an agent asks for function calls."""
    return event("returnControl", invocationId=invocation, invocationInputs=list(inputs))


def function_input(name: str, *parameters: tuple[str, str, str], **members: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a function call of an agent. The parameters have names, types and values."""
    return {
        "functionInvocationInput": {
            "actionGroup": "shop",
            "function": name,
            "parameters": [
                {"name": each, "type": kind, "value": value} for each, kind, value in parameters
            ],
            "actionInvocationType": "RESULT",
            **members,
        }
    }


def trace(input_tokens: int, output_tokens: int) -> bytes:
    """Return the event with which an agent reports the tokens of one model call."""
    return traced({"inputTokens": input_tokens, "outputTokens": output_tokens})


def traced(usage: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return the event of a trace with any report of a model call's tokens."""
    output = {"traceId": "t1", "metadata": {"usage": usage}}
    return event("trace", trace={"orchestrationTrace": {"modelInvocationOutput": output}})


def message_start() -> bytes:
    """Return the first event of a model's message."""
    return event("messageStart", role="assistant")


def text_delta(text: str, block: int = 0) -> bytes:
    """Return a part of a model's text."""
    return event("contentBlockDelta", contentBlockIndex=block, delta={"text": text})


def tool_use(key: str, name: str, *pieces: str, block: int = 1) -> list[bytes]:
    """Return the events of a tool call of a model. Its arguments arrive in several parts."""
    start = {"toolUse": {"toolUseId": key, "name": name}}
    return [
        event("contentBlockStart", contentBlockIndex=block, start=start),
        *(
            event("contentBlockDelta", contentBlockIndex=block, delta={"toolUse": {"input": piece}})
            for piece in pieces
        ),
        event("contentBlockStop", contentBlockIndex=block),
    ]


def message_stop(reason: str = "end_turn", usage: Any = USAGE) -> list[bytes]:  # noqa: ANN401 - any JSON
    """Return the last events of a model's message."""
    return [
        event("messageStop", stopReason=reason),
        event("metadata", usage=usage, metrics={"latencyMs": 12}),
    ]
