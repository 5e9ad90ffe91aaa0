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


def messages(request: StepRequest) -> list[dict[str, Any]]:
    """Return what was said, then what the turn did so far."""
    said = _history(request.history)
    for step, results in request.exchange:
        said.append({"role": "assistant", "content": step.replay})
        said.append({"role": "user", "content": [_result(result) for result in results]})
    return said


def tool_config(request: StepRequest) -> dict[str, Any]:
    """Return the tools, if there are any."""
    if not request.tools:
        return {}
    return {"toolConfig": {"tools": [_tool(tool) for tool in request.tools]}}


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
