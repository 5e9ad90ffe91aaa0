"""Return of control: what an agent asks us to do, and what we tell it became of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from cloudmart.ai.ports import ToolCall, ToolResult, ToolSpec
from cloudmart.ai.providers.arguments import complete


def calls(control: Mapping[str, Any] | None, tools: Sequence[ToolSpec]) -> list[ToolCall]:
    """Return the calls an agent returned control for, if it did."""
    if control is None:
        return []
    invocation = control.get("invocationId", "")
    return [
        _call(f"{invocation}/{number}", wanted, tools)
        for number, wanted in enumerate(control.get("invocationInputs", ()))
    ]


def returned(control: Mapping[str, Any], results: Sequence[ToolResult]) -> dict[str, Any]:
    """Return the session state that tells an agent the results of its calls."""
    wanted = control.get("invocationInputs", ())
    return {
        "invocationId": control.get("invocationId", ""),
        "returnControlInvocationResults": [
            _result(one, result.output) for one, result in zip(wanted, results, strict=True)
        ],
    }


def _call(key: str, wanted: Mapping[str, Any], tools: Sequence[ToolSpec]) -> ToolCall:
    function = wanted.get("functionInvocationInput")
    if function is not None:
        name, parameters = _text(function.get("function")), function.get("parameters", [])
    else:
        api = wanted.get("apiInvocationInput", {})
        # An operation of an OpenAPI schema: its path is its tool's name.
        name = _text(api.get("apiPath")).strip("/").replace("-", "_")
        bodies = api.get("requestBody", {}).get("content", {}).values()
        parameters = [
            *api.get("parameters", ()),
            *(one for body in bodies for one in body.get("properties", ())),
        ]
    given = {one.get("name", ""): _value(one) for one in parameters}
    return ToolCall(key, name, complete(name, given, tools))


def _text(told: object) -> str:
    # A tool without a name is unknown to us, and the agent is told so.
    return told if isinstance(told, str) else ""


def _value(parameter: Mapping[str, str]) -> str | float | bool:
    text = parameter.get("value", "")
    try:
        match parameter.get("type"):
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return text.casefold() == "true"
    except ValueError:
        pass  # the tool itself will say what it wants instead
    return text


def _result(wanted: Mapping[str, Any], output: str) -> dict[str, Any]:
    if "functionInvocationInput" in wanted:
        asked = wanted["functionInvocationInput"]
        result = {"function": asked.get("function", ""), "responseBody": {"TEXT": {"body": output}}}
        kind = "functionResult"
    else:
        asked = wanted.get("apiInvocationInput", {})
        result = {
            "apiPath": asked.get("apiPath", ""),
            "httpMethod": asked.get("httpMethod", ""),
            "httpStatusCode": 200,
            "responseBody": {"application/json": {"body": output}},
        }
        kind = "apiResult"
    return {kind: {"actionGroup": asked.get("actionGroup", ""), **result, **_confirmation(asked)}}


def _confirmation(asked: Mapping[str, Any]) -> dict[str, str]:
    # What we carry out ourselves is only proposed, so yes is safe; what the agent would carry
    # out once it is told yes, our rules have never seen.
    match asked.get("actionInvocationType"):
        case "USER_CONFIRMATION_AND_RESULT":
            return {"confirmationState": "CONFIRM"}
        case "USER_CONFIRMATION":
            return {"confirmationState": "DENY"}
    return {}
