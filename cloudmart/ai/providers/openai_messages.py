"""Builds a request to the Responses API, and reads its streamed answer."""

import json
from typing import Any

from cloudmart.ai.ports import ProviderStep, StepRequest, ToolCall, ToolSpec, Usage
from cloudmart.ai.providers import tolerant_values
from cloudmart.ai.providers.openai_refusals import explain_openai_code
from cloudmart.ai.providers.provider_call import WITHHELD, ProviderCall
from cloudmart.ai.providers.refusals import UNREADABLE
from cloudmart.ai.providers.tolerant_values import BoundedText

_TEXT = {"response.output_text.delta", "response.refusal.delta"}
_ENDS = {"response.completed", "response.incomplete", "response.failed"}

_Object = dict[str, Any]

_REASONING = "reasoning"


class StreamedAnswer:
    """Gathers the events of one answer.

    Servers leave out, or send as null, what the API requires. So every value is checked here before
    it is used, and what is missing does no harm.
    """

    def __init__(self, call: ProviderCall, *, input_at_most: int, output_at_most: int) -> None:
        self._call = call
        self._bounds = {"input_at_most": input_at_most, "output_at_most": output_at_most}
        # What is kept of an answer is bounded as a whole, also while it comes.
        self._parts = tolerant_values.bounded_parts()
        self._items: list[_Object] = []
        self._remarks: set[object] = set()
        self._pieces = BoundedText()
        self._end = ""
        self._code: object = None
        self._withheld = False
        self.usage: Usage | None = None
        """What the answer cost, as far as the server has reported."""

    @property
    def ended(self) -> bool:
        """Return whether the answer has come to its end, or is as long as any that is kept."""
        return bool(self._end) or self._pieces.full

    def take(self, event: object) -> str:
        """Take an event in; return the piece of the answer it brings, if any."""
        if not isinstance(event, dict):
            raise self._call.failed(UNREADABLE)
        kind, item = tolerant_values.clean_text(event.get("type")), event.get("item")
        place = str(event.get("output_index"))
        if kind == "error" or event.get("error"):
            # Some servers put it a level deeper than the API's description does.
            told = event.get("error") or event
            raise self._call.refuse(explain_openai_code(_object(told).get("code")))
        if kind == "response.output_item.added":
            if _object(item).get("phase") == "commentary":
                self._remarks.add(place)
        elif kind == "response.output_item.done" and isinstance(item, dict):
            self._items.append(tolerant_values.clean_json(item, self._parts))
        elif kind in _ENDS and (self._pieces.text or isinstance(event.get("response"), dict)):
            # What was shown is an answer, also where the end does not say so.
            self._take_end(kind, _object(event.get("response")))
        elif kind in _TEXT and place not in self._remarks:
            return self._pieces.add(event.get("delta"))
        return ""

    def step(self, *, final: bool) -> ProviderStep:
        """Return the step the answer makes, or raise an UpstreamError."""
        if not self._end and self._pieces.full:
            return self._call.conclude(self._pieces.text, final=final, cut=True)
        if not self._end:
            raise self._call.failed("it broke off")
        if self._end == "response.failed":
            raise self._call.refuse(explain_openai_code(self._code))
        return self._call.conclude(
            WITHHELD if self._withheld else _text(self._items) or self._pieces.text,
            [_call(item) for item in self._items if item.get("type") == "function_call"],
            final=final,
            cut=self._end == "response.incomplete" and not self._withheld,
            replay=self._items,
        )

    def _take_end(self, kind: str, response: _Object) -> None:
        self._end = kind
        self._code = _object(response.get("error")).get("code")
        reason = _object(response.get("incomplete_details")).get("reason")
        self._withheld = reason == "content_filter"
        self.usage = self._usage(response.get("usage"))
        # Some servers leave the output out at the end, having sent each item before.
        if isinstance(output := response.get("output"), list) and output:
            self._items = [
                tolerant_values.clean_json(item, self._parts)
                for item in output
                if isinstance(item, dict)
            ]
        for number, item in enumerate(self._items):
            if item.get("type") == "function_call":
                # Sent back as it is read here: a result must name its call.
                item |= {
                    "call_id": tolerant_values.clean_text(item.get("call_id")) or f"call_{number}",
                    "name": tolerant_values.clean_text(item.get("name")),
                    "arguments": _arguments(item.get("arguments")),
                }

    def _usage(self, told: object) -> Usage | None:
        usage = tolerant_values.read_usage(told, ("input_tokens", "output_tokens"), **self._bounds)
        if usage is None or not isinstance(told, dict):
            return None
        read = _object(told.get("input_tokens_details")).get("cached_tokens")
        thought = _object(told.get("output_tokens_details")).get("reasoning_tokens")
        return Usage(
            usage.input_tokens,
            usage.output_tokens,
            tolerant_values.read_count(read, usage.input_tokens or 0) or 0,
            tolerant_values.read_count(thought, usage.output_tokens or 0) or 0,
        )


def _call(item: _Object) -> ToolCall:
    return ToolCall(item["call_id"], item["name"], item["arguments"])


def _arguments(written: object) -> str:
    # Some servers send the object itself.
    return json.dumps(written) if isinstance(written, dict) else tolerant_values.clean_text(written)


def _text(items: list[_Object]) -> str:
    return "\n\n".join(
        "".join(map(_part, item["content"]))
        if isinstance(item.get("content"), list)
        else tolerant_values.clean_text(item.get("content"))
        for item in items
        if item.get("type") == "message" and item.get("phase") != "commentary"
    )


def _part(part: object) -> str:
    told = _object(part)
    return tolerant_values.clean_text(told.get("text")) or tolerant_values.clean_text(
        told.get("refusal")
    )


def _object(value: object) -> _Object:
    return value if isinstance(value, dict) else {}


def input_items(request: StepRequest, *, thoughts: bool) -> list[Any]:
    """Return what was said, then what the turn did so far, with the model's thoughts or without."""
    said: list[Any] = [
        {"role": message.role.value, "content": message.marked} for message in request.history
    ]
    for step, results in request.exchange:
        said += _replayed(step.replay, thoughts=thoughts)
        said += [
            {"type": "function_call_output", "call_id": result.call.id, "output": result.marked}
            for result in results
        ]
    return said


def has_reasoning_items(request: StepRequest) -> bool:
    """Return whether the model thought on its way here."""
    return any(_is_thought(item) for step, _ in request.exchange for item in step.replay)


def tool_definitions(request: StepRequest) -> dict[str, Any]:
    """Return the tools, if there are any."""
    if not request.tools:
        return {}
    return {
        "tools": [_tool(tool) for tool in request.tools],
        "tool_choice": "none" if request.final else "auto",
        "parallel_tool_calls": False,
    }


def _replayed(output: list[dict[str, Any]], *, thoughts: bool) -> list[dict[str, Any]]:
    # A server that stores nothing knows a thought by its encrypted content alone, and refuses the
    # id of one that it did not keep.
    kept = [item for item in output if not _is_thought(item) or (thoughts and _carried(item))]
    if len(kept) == len(output):
        return output
    # By its id a call is asked for the thought that led to it.
    return [{name: item[name] for name in item if name != "id"} for item in kept]


def _is_thought(item: dict[str, Any]) -> bool:
    return item.get("type") == _REASONING


def _carried(item: dict[str, Any]) -> bool:
    return bool(item.get("encrypted_content") or item.get("content"))


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": True,
    }
