"""A request to Converse, by the rules its service adds to its schema.

The first message is the user's, roles take turns, no text is blank, the results of one message's
calls come in one message, and once there were calls the tools must be named again.
"""

from collections.abc import Sequence
from typing import Any

from cloudmart.ai.ports import Message, Role, StepRequest, ToolResult, ToolSpec
from cloudmart.ai.providers.arguments import loose

_NO_MORE_TOOLS = "Answer the customer now with what you know. Do not call another tool."


def system(request: StepRequest) -> list[dict[str, str]]:
    """Return the instructions; there is no other way here to forbid further tools."""
    texts = [request.instructions, *([_NO_MORE_TOOLS] if request.final and request.tools else [])]
    return [{"text": text} for text in texts]


def messages(request: StepRequest, *, thoughts: bool = True) -> list[dict[str, Any]]:
    """Return what was said, then what the turn did so far, with the model's thoughts or without."""
    said = _history(request.history)
    for step, results in request.exchange:
        content = [part for part in step.replay if thoughts or not _is_thought(part)]
        said.append({"role": "assistant", "content": content})
        said.append({"role": "user", "content": [_result(result) for result in results]})
    return said


def has_thoughts(request: StepRequest) -> bool:
    """Tell whether the model thought on its way here."""
    return any(_is_thought(part) for step, _ in request.exchange for part in step.replay)


def tool_config(request: StepRequest) -> dict[str, Any]:
    """Return the tools, if there are any."""
    if not request.tools:
        return {}
    return {"toolConfig": {"tools": [_tool(tool) for tool in request.tools]}}


def _is_thought(part: dict[str, Any]) -> bool:
    return "reasoningContent" in part


def _history(history: Sequence[Message]) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    for message in history:
        if not message.text.strip() or (not said and message.role is not Role.USER):
            continue
        if said and said[-1]["role"] == message.role:
            said[-1]["content"].append({"text": message.text})
        else:
            said.append({"role": message.role.value, "content": [{"text": message.text}]})
    return said


def _result(result: ToolResult) -> dict[str, Any]:
    return {"toolResult": {"toolUseId": result.call.id, "content": [{"text": result.output}]}}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "toolSpec": {
            "name": tool.name,
            "description": tool.description,
            # Amazon's own models read no more of a schema than its plain form has.
            "inputSchema": {"json": loose(tool.parameters)},
        }
    }
