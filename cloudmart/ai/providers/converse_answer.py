"""Read an answer of Converse or of ConverseStream."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudmart.ai.ports import ProviderStep, StepRequest, ToolCall, Usage
from cloudmart.ai.providers import tolerant_values
from cloudmart.ai.providers.provider_call import WITHHELD, ProviderCall
from cloudmart.ai.providers.tolerant_values import BoundedText, strict_arguments

_OPEN, _CLOSE = "<thinking>", "</thinking>"
_THOUGHT = re.compile(f"{_OPEN}.*?({_CLOSE}|\\Z)", re.DOTALL)

# As much as the smallest models on Bedrock can be asked for.
MAX_TOKENS = 2000
# A model may use a name that no tool can have; that message could not be sent back.
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")


def without_reasoning(text: str) -> str:
    """Return a text without its thoughts."""
    return _THOUGHT.sub("", text)


class ReasoningFilter:
    """Leaves thoughts out of a text that comes in pieces, wherever those are divided."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def leave_out(self, piece: str) -> str:
        """Return what may be shown now that a piece has come."""
        self._held += piece
        shown = ""
        while True:
            tag = _CLOSE if self._inside else _OPEN
            before, found, after = self._held.partition(tag)
            if not found:
                break
            shown += "" if self._inside else before
            self._held, self._inside = after, not self._inside
        undecided = _beginning_of(tag, self._held)
        if not self._inside:
            shown += self._held[: len(self._held) - undecided]
        self._held = self._held[len(self._held) - undecided :]
        return shown


def _beginning_of(tag: str, text: str) -> int:
    """Return how many characters at the end of a text may be the beginning of a tag."""
    longest = min(len(tag) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if text.endswith(tag[:size])), 0)


@dataclass(slots=True)
class _Block:
    """A part of a message. Text in many pieces is joined once, at the end."""

    texts: list[str] = field(default_factory=list)
    tool: Mapping[str, Any] | None = None
    inputs: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    sealed: bytes = b""

    @property
    def text(self) -> str:
        return tolerant_values.clean_text("".join(self.texts))

    @property
    def given(self) -> dict[str, Any] | None:
        return tolerant_values.parse_arguments("".join(self.inputs))


@dataclass(slots=True)
class ConverseReply:
    """A message of the model, why it ended, and what it cost."""

    blocks: dict[int, _Block] = field(default_factory=lambda: defaultdict(_Block))
    stop: str | None = None
    told: object = None

    @classmethod
    def whole(cls, answer: Mapping[str, Any]) -> "ConverseReply":
        """Return a message that came in one piece."""
        reply = cls(stop=answer.get("stopReason"), told=answer.get("usage"))
        content = answer.get("output", {}).get("message", {}).get("content", ())
        for number, part in enumerate(content):
            block = reply.blocks[number]
            _add(block.texts, part.get("text"))
            if use := part.get("toolUse"):
                block.tool, block.inputs = use, [_written(use.get("input"))]
            reasoning = part.get("reasoningContent", {})
            thought = reasoning.get("reasoningText", {})
            _add(block.thoughts, thought.get("text"))
            _add(block.signatures, thought.get("signature"))
            block.sealed = reasoning.get("redactedContent", b"")
        return reply


class StreamedReply(ConverseReply):
    """A message that comes in many."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = BoundedText()

    def take(self, event: Mapping[str, Any]) -> str:
        """Take an event in; return the piece of text it brings, if any."""
        if start := event.get("contentBlockStart"):
            self._block(start).tool = start.get("start", {}).get("toolUse")
        elif delta := event.get("contentBlockDelta"):
            return self._take(self._block(delta), delta.get("delta", {}))
        elif stop := event.get("messageStop"):
            self.stop = tolerant_values.clean_text(stop.get("stopReason"))
        elif metadata := event.get("metadata"):
            self.told = metadata.get("usage")
        return ""

    def _block(self, event: Mapping[str, Any]) -> _Block:
        number = event.get("contentBlockIndex")
        return self.blocks[number if isinstance(number, int) else 0]

    def _take(self, block: _Block, delta: Mapping[str, Any]) -> str:
        _add(block.texts, delta.get("text"))
        _add(block.inputs, delta.get("toolUse", {}).get("input"))
        reasoning = delta.get("reasoningContent", {})
        _add(block.thoughts, reasoning.get("text"))
        _add(block.signatures, reasoning.get("signature"))
        block.sealed += reasoning.get("redactedContent", b"")
        return self.pieces.add(delta.get("text"))


def _written(given: object) -> str:
    try:
        return json.dumps(tolerant_values.clean_json({} if given is None else given))
    except ValueError:
        # No arguments of any tool.
        return "["


def _add(pieces: list[str], piece: object) -> None:
    if isinstance(piece, str):
        pieces.append(piece)


def converse_step(call: ProviderCall, reply: ConverseReply, request: StepRequest) -> ProviderStep:
    """Return the step a reply makes, or raise ProviderFailedError."""
    if reply.stop is None:
        raise call.failed("it broke off")
    if reply.stop == "model_context_window_exceeded":
        raise call.failed("the conversation is too long for it")
    blocks = [block for _, block in sorted(reply.blocks.items())]
    text = without_reasoning("".join(block.text for block in blocks))
    withheld = reply.stop == "content_filtered" or (
        # Its own words are the shop's: a guardrail is configured with a text to show.
        reply.stop == "guardrail_intervened" and not text.strip()
    )
    asking = [(block, number) for number, block in enumerate(blocks) if block.tool]
    return call.conclude(
        WITHHELD if withheld else text,
        [_call(block, number, request) for block, number in asking],
        final=request.final,
        cut=reply.stop == "max_tokens",
        replay=[part for number, block in enumerate(blocks) if (part := _part(block, number))],
    )


def converse_usage(reply: ConverseReply, request: StepRequest) -> Usage | None:
    """Return the cost of a reply, as far as the model reported it."""
    told = tolerant_values.read_usage(
        reply.told,
        ("inputTokens", "outputTokens"),
        input_at_most=request.size,
        output_at_most=MAX_TOKENS,
    )
    if told is None or not isinstance(reply.told, Mapping):
        return None
    cached, written = (
        tolerant_values.read_count(reply.told.get(name), request.size) or 0
        for name in ("cacheReadInputTokens", "cacheWriteInputTokens")
    )
    if told.input_tokens is None:
        return told
    # Converse counts what came from the cache, or went to it, beside the input and not in it.
    total = min(told.input_tokens + cached + written, request.size)
    return Usage(total, told.output_tokens, min(cached, total))


def _call(block: _Block, number: int, request: StepRequest) -> ToolCall:
    name = tolerant_values.clean_text((block.tool or {}).get("name"))
    given = block.given
    written = (
        "".join(block.inputs) if given is None else strict_arguments(name, given, request.tools)
    )
    return ToolCall(_use(block, number)["toolUseId"], name, tolerant_values.clean_text(written))


def _use(block: _Block, number: int) -> dict[str, Any]:
    tool = block.tool or {}
    return {
        "toolUseId": tolerant_values.clean_text(tool.get("toolUseId")) or f"call_{number}",
        "name": _NOT_IN_NAMES.sub("_", tolerant_values.clean_text(tool.get("name")))[:64]
        or "unknown",
        "input": block.given or {},
    }


def _part(block: _Block, number: int) -> dict[str, Any] | None:
    if block.tool:
        return {"toolUse": _use(block, number)}
    if block.sealed:
        return {"reasoningContent": {"redactedContent": block.sealed}}
    if block.thoughts:
        signature = "".join(block.signatures)
        reasoning = {"text": tolerant_values.clean_text("".join(block.thoughts))}
        reasoning |= {"signature": signature} if signature else {}
        return {"reasoningContent": {"reasoningText": reasoning}}
    return {"text": block.text} if block.text.strip() else None
