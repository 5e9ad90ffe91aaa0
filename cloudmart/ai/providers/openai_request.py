"""A request to the Responses API."""

from typing import Any

from cloudmart.ai.ports import StepRequest, ToolSpec

_REASONING = "reasoning"


def items(request: StepRequest, *, thoughts: bool) -> list[Any]:
    """Return what was said, then what the turn did so far, with the model's thoughts or without."""
    said: list[Any] = [
        {"role": message.role.value, "content": message.text} for message in request.history
    ]
    for step, results in request.exchange:
        said += _replayed(step.replay, thoughts=thoughts)
        said += [
            {"type": "function_call_output", "call_id": result.call.id, "output": result.output}
            for result in results
        ]
    return said


def has_thoughts(request: StepRequest) -> bool:
    """Tell whether the model thought on its way here."""
    return any(_is_thought(item) for step, _ in request.exchange for item in step.replay)


def tools(request: StepRequest) -> dict[str, Any]:
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
