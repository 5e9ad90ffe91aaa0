"""A fake of OpenAI's Responses API at the wire: server-sent events, and errors."""

import json
from collections.abc import Iterable
from typing import Any

from tests.support.scripted_server import Fault, Reply

USAGE = {
    "input_tokens": 120,
    "input_tokens_details": {"cached_tokens": 100},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 150,
}


def event(kind: str, **members: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return one event."""
    data = json.dumps({"type": kind, "sequence_number": 0, **members})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def response(status: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a response object."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "model": "gpt-6-luna",
        "status": status,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "usage": None,
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        **members,
    }


def message(*parts: dict[str, Any] | str, phase: str | None = None) -> dict[str, Any]:
    """Return an output item: a message of several parts, most of them texts."""
    content = [
        {"type": "output_text", "text": part, "annotations": []} if isinstance(part, str) else part
        for part in parts
    ]
    labelled = {} if phase is None else {"phase": phase}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": content,
        **labelled,
    }


def function_call(key: str, name: str, arguments: str) -> dict[str, Any]:
    """Return an output item: a function call."""
    return {
        "id": f"fc_{key}",
        "type": "function_call",
        "status": "completed",
        "call_id": key,
        "name": name,
        "arguments": arguments,
    }


def beginning(*pieces: str) -> list[bytes | Fault]:
    """Return the events of an answer up to its last part."""
    return [
        event("response.created", response=response("in_progress")),
        event("response.output_item.added", output_index=0, item=message()),
        *(
            event(
                "response.output_text.delta",
                item_id="msg_1",
                output_index=0,
                content_index=0,
                delta=piece,
                logprobs=[],
            )
            for piece in pieces
        ),
    ]


def ending(*items: dict[str, Any], **members: Any) -> bytes:  # noqa: ANN401
    """Return the event that completes an answer."""
    done = response("completed", output=list(items), usage=USAGE) | members
    return event("response.completed", response=done)


def stream(*events: bytes | Fault) -> Reply:
    """Return an answer of events."""
    return Reply(headers={"content-type": "text/event-stream"}, chunks=events)


def answer(*pieces: str) -> Reply:
    """Return a whole answer that arrives in parts."""
    return stream(*beginning(*pieces), ending(message("".join(pieces))))


def asking(*calls: tuple[str, str, str]) -> Reply:
    """Return an answer that asks for function calls."""
    items = [function_call(*call) for call in calls]
    done = [event("response.output_item.done", output_index=0, item=item) for item in items]
    return stream(
        event("response.created", response=response("in_progress")), *done, ending(*items)
    )


def incomplete(reason: str, *items: dict[str, Any]) -> Reply:
    """Return an incomplete answer."""
    ended = response("incomplete", output=list(items), incomplete_details={"reason": reason})
    return stream(event("response.incomplete", response=ended))


def failed(code: str) -> Reply:
    """Return an answer that failed after its beginning."""
    ended = response("failed", error={"code": code, "message": "Said by the provider."})
    return stream(*beginning("We ha"), event("response.failed", response=ended))


def flat(code: str) -> Reply:
    """Return a stream with an error in the documented form."""
    told = event("error", code=code, message="Said by the provider.", param=None)
    return stream(*beginning("We ha"), told)


def nested(code: str) -> Reply:
    """Return a stream with an error in the other form that the API sends."""
    told = event("error", error={"code": code, "message": "Said by the provider."})
    return stream(*beginning("We ha"), told)


def error(
    status: int, code: str | None = None, message: str = "Said by the provider.", **headers: str
) -> Reply:
    """Return an error in the API's form."""
    described = {"message": message, "type": "error", "param": None, "code": code}
    return Reply.json(status, {"error": described}, x_request_id="req_1", **headers)


def joined(chunks: Iterable[bytes | Fault]) -> bytes:
    """Return the bytes of a reply."""
    return b"".join(chunk for chunk in chunks if isinstance(chunk, bytes))
