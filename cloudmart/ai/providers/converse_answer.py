"""Read an answer of Converse or of ConverseStream."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudmart.ai.ports import Step, StepRequest, ToolCall, Usage
from cloudmart.ai.providers.arguments import complete
from cloudmart.ai.providers.call import WITHHELD, ProviderCall
from cloudmart.ai.providers.thoughts import without_thoughts

# A model may call what no tool can be named; its message could not be sent back as it is.
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(slots=True)
class _Block:
    text: str = ""
    tool: Mapping[str, str] | None = None
    arguments: str = ""
    thought: str = ""
    signature: str = ""
    sealed: bytes = b""


@dataclass(slots=True)
class Reply:
    """A message of the model, why it ended, and what it cost."""

    blocks: dict[int, _Block] = field(default_factory=lambda: defaultdict(_Block))
    stop: str | None = None
    usage: Mapping[str, int] | None = None

    @classmethod
    def whole(cls, answer: Mapping[str, Any]) -> "Reply":
        """Return a message that came in one piece."""
        reply = cls(stop=answer.get("stopReason"), usage=answer.get("usage"))
        content = answer.get("output", {}).get("message", {}).get("content", ())
        for number, part in enumerate(content):
            block = reply.blocks[number]
            block.text = part.get("text", "")
            if use := part.get("toolUse"):
                block.tool, block.arguments = use, json.dumps(use.get("input", {}))
            reasoning = part.get("reasoningContent", {})
            thought = reasoning.get("reasoningText", {})
            block.thought, block.signature = thought.get("text", ""), thought.get("signature", "")
            block.sealed = reasoning.get("redactedContent", b"")
        return reply


class StreamedReply(Reply):
    """A message that comes in many."""

    def take(self, event: Mapping[str, Any]) -> str:
        """Take an event in; return the piece of text it brings, if any."""
        if start := event.get("contentBlockStart"):
            self._block(start).tool = start.get("start", {}).get("toolUse")
        elif delta := event.get("contentBlockDelta"):
            return self._add(self._block(delta), delta.get("delta", {}))
        elif stop := event.get("messageStop"):
            self.stop = stop.get("stopReason", "")
        elif metadata := event.get("metadata"):
            self.usage = metadata.get("usage")
        return ""

    def _block(self, event: Mapping[str, Any]) -> _Block:
        return self.blocks[event.get("contentBlockIndex", 0)]

    def _add(self, block: _Block, delta: Mapping[str, Any]) -> str:
        piece: str = delta.get("text", "")
        block.text += piece
        block.arguments += delta.get("toolUse", {}).get("input", "")
        reasoning = delta.get("reasoningContent", {})
        block.thought += reasoning.get("text", "")
        block.signature += reasoning.get("signature", "")
        block.sealed += reasoning.get("redactedContent", b"")
        return piece


def conclude(call: ProviderCall, reply: Reply, request: StepRequest) -> Step:
    """Return the step a reply makes, or raise ProviderFailedError."""
    if reply.stop is None:
        raise call.failed("it broke off")
    if reply.stop == "model_context_window_exceeded":
        raise call.failed("the conversation is too long for it")
    blocks = [block for _, block in sorted(reply.blocks.items())]
    text = without_thoughts("".join(block.text for block in blocks))
    withheld = reply.stop == "content_filtered" or (
        # Its own words are the shop's: a guardrail is configured with a text to show.
        reply.stop == "guardrail_intervened" and not text.strip()
    )
    return call.conclude(
        WITHHELD if withheld else text,
        [_call(block.tool, block.arguments, request) for block in blocks if block.tool],
        final=request.final,
        cut=reply.stop == "max_tokens",
        usage=_usage(reply.usage),
        replay=[part for block in blocks if (part := _part(block))],
    )


def _call(tool: Mapping[str, str], arguments: str, request: StepRequest) -> ToolCall:
    name = tool.get("name", "")
    if (given := _object(arguments)) is not None:
        arguments = complete(name, given, request.tools)
    return ToolCall(tool.get("toolUseId", ""), name, arguments)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _part(block: _Block) -> dict[str, Any] | None:
    if block.tool:
        name = _NOT_IN_NAMES.sub("_", block.tool["name"])[:64]
        arguments = _object(block.arguments) or {}
        return {"toolUse": {"toolUseId": block.tool["toolUseId"], "name": name, "input": arguments}}
    if block.sealed:
        return {"reasoningContent": {"redactedContent": block.sealed}}
    if block.thought:
        reasoning = {"text": block.thought} | (
            {"signature": block.signature} if block.signature else {}
        )
        return {"reasoningContent": {"reasoningText": reasoning}}
    return {"text": block.text} if block.text.strip() else None


def _usage(usage: Mapping[str, int] | None) -> Usage | None:
    if usage is None:
        return None
    cached = usage.get("cacheReadInputTokens", 0)
    written = usage.get("cacheWriteInputTokens", 0)
    # Converse counts what came from the cache, or went to it, beside the input and not in it.
    total = usage.get("inputTokens", 0) + cached + written
    return Usage(total, usage.get("outputTokens", 0), cached)
