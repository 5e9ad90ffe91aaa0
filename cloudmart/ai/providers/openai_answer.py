"""Read a streamed answer of the Responses API."""

from typing import Any

from pydantic import BaseModel, ValidationError

from cloudmart.ai.ports import Step, ToolCall, Usage
from cloudmart.ai.providers.call import WITHHELD, ProviderCall
from cloudmart.ai.providers.openai_refusals import explain_code
from cloudmart.ai.providers.refusals import UNREADABLE

_TEXT = {"response.output_text.delta", "response.refusal.delta"}
_ENDS = {"response.completed", "response.incomplete", "response.failed"}


class _Part(BaseModel):
    text: str = ""
    refusal: str = ""


class _Item(BaseModel):
    type: str
    phase: str | None = None
    content: list[_Part] | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class _Error(BaseModel):
    code: str | None = None


class _Incomplete(BaseModel):
    reason: str | None = None


class _Details(BaseModel):
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class _Usage(BaseModel):
    input_tokens: int
    output_tokens: int
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Response(BaseModel):
    output: list[dict[str, Any]] | None = None
    error: _Error | None = None
    incomplete_details: _Incomplete | None = None
    usage: _Usage | None = None


class _Event(BaseModel):
    type: str = ""
    delta: Any = None
    output_index: int | None = None
    item: dict[str, Any] | None = None
    response: _Response | None = None
    code: str | None = None


class Answer:
    """Gathers the events of one answer.

    The SDK checks none of them (it hands on a flat `error` and a stream without an end as if
    nothing had happened), so what is read here is checked here.
    """

    def __init__(self, call: ProviderCall) -> None:
        self._call = call
        self._items: list[dict[str, Any]] = []
        self._remarks: set[int | None] = set()
        self._end: _Event | None = None

    @property
    def ended(self) -> bool:
        """Tell whether the answer has come to its end."""
        return self._end is not None

    def take(self, raw: object) -> str:
        """Take an event in; return the piece of the answer it brings, if any."""
        event = self._event(raw)
        if event.type == "error":
            raise self._call.refuse(explain_code(event.code))
        if event.type == "response.output_item.added" and event.item:
            if event.item.get("phase") == "commentary":
                self._remarks.add(event.output_index)
        elif event.type == "response.output_item.done" and event.item:
            self._items.append(event.item)
        elif event.type in _ENDS:
            self._end = event
        elif event.type in _TEXT and event.output_index not in self._remarks:
            return event.delta if isinstance(event.delta, str) else ""
        return ""

    def step(self, *, final: bool) -> Step:
        """Return the step the answer makes, or raise an UpstreamError."""
        if self._end is None or self._end.response is None:
            raise self._call.failed("it broke off")
        response = self._end.response
        if self._end.type == "response.failed":
            raise self._call.refuse(explain_code(response.error.code if response.error else None))
        incomplete = response.incomplete_details
        withheld = incomplete is not None and incomplete.reason == "content_filter"
        # Some servers leave the output out at the end, having sent each item before.
        output = response.output or self._items
        items = self._read(output)
        return self._call.conclude(
            WITHHELD if withheld else _text(items),
            [
                ToolCall(item.call_id, item.name, item.arguments)
                for item in items
                if item.type == "function_call"
            ],
            final=final,
            cut=self._end.type == "response.incomplete" and not withheld,
            usage=_usage(response.usage),
            replay=output,
        )

    def _event(self, raw: object) -> _Event:
        try:
            return _Event.model_validate(raw)
        except ValidationError as error:
            raise self._call.failed(UNREADABLE) from error

    def _read(self, output: list[dict[str, Any]]) -> list[_Item]:
        try:
            return [_Item.model_validate(item) for item in output]
        except ValidationError as error:
            raise self._call.failed(UNREADABLE) from error


def _text(items: list[_Item]) -> str:
    return "\n\n".join(
        "".join(part.text or part.refusal for part in item.content or ())
        for item in items
        if item.type == "message" and item.phase != "commentary"
    )


def _usage(usage: _Usage | None) -> Usage | None:
    if usage is None:
        return None
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.input_tokens_details.cached_tokens if usage.input_tokens_details else 0,
        usage.output_tokens_details.reasoning_tokens if usage.output_tokens_details else 0,
    )
