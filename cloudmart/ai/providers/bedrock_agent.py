"""A Bedrock agent (Agents "Classic"): its instructions and its memory are with AWS."""

import codecs
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aioboto3

from cloudmart.ai.ports import (
    ProviderStep,
    StepRequest,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)
from cloudmart.ai.providers import tolerant_values
from cloudmart.ai.providers.bedrock import FAILURES, PROVIDER, bedrock_client, explain_bedrock_error
from cloudmart.ai.providers.provider_call import ProviderCall, ProviderSdk
from cloudmart.ai.providers.refusals import UNREADABLE, LogRedaction
from cloudmart.ai.providers.tolerant_values import BoundedText, strict_arguments
from cloudmart.errors import ProviderDisabledError
from cloudmart.settings import BedrockSettings

_MOST_CALLS = 20
"""Such calls of one step that are counted."""


def agent_tool_calls(
    control: Mapping[str, Any] | None, tools: Sequence[ToolSpec]
) -> list[ToolCall]:
    """Return the calls an agent returned control for, if it did."""
    if control is None:
        return []
    invocation = control.get("invocationId", "")
    return [
        _call(f"{invocation}/{number}", wanted, tools)
        for number, wanted in enumerate(control.get("invocationInputs", ()))
    ]


def agent_session_state(
    control: Mapping[str, Any], results: Sequence[ToolResult]
) -> dict[str, Any]:
    """Return the session state that gives an agent the results of its calls."""
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
    return ToolCall(key, name, strict_arguments(name, given, tools))


def _text(told: object) -> str:
    # We do not know a tool without a name, and answer the agent so.
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
    # Our own tools only propose changes, so yes is safe. What the agent itself would do after a
    # yes, our rules have not checked.
    match asked.get("actionInvocationType"):
        case "USER_CONFIRMATION_AND_RESULT":
            return {"confirmationState": "CONFIRM"}
        case "USER_CONFIRMATION":
            return {"confirmationState": "DENY"}
    return {}


_MOST_READ, _MOST_WRITTEN = 200_000, 8_000
"""The most tokens that one call of an agent to its model can cost."""


@asynccontextmanager
async def open_bedrock_agent(
    settings: BedrockSettings, session: aioboto3.Session, region: str | None = None
) -> AsyncIterator["BedrockAgentChat"]:
    """Open a client while the context lasts; `region` is Bedrock's if it has no own."""
    if settings.agent_id is None or settings.agent_alias_id is None:
        raise ProviderDisabledError(
            "No Bedrock agent is configured: set BEDROCK_AGENT_ID and BEDROCK_AGENT_ALIAS_ID."
        )
    async with bedrock_client(
        session, "bedrock-agent-runtime", settings.region or region
    ) as client:
        yield BedrockAgentChat(client, settings.agent_id, settings.agent_alias_id)


class BedrockAgentChat:
    """Asks an agent that calls our tools by returning control.

    Tools the agent has as Lambda functions run in AWS, where our rules about orders do not reach.
    """

    name = "bedrock-agent"
    model = "agent"
    priced_by = ""

    def __init__(self, client: Any, agent_id: str, alias_id: str) -> None:  # noqa: ANN401
        self._client = client
        self._agent = {"agentId": agent_id, "agentAliasId": alias_id}

    async def step(
        self, request: StepRequest
    ) -> AsyncGenerator[TextDelta | Usage | ProviderStep, None]:
        sdk = ProviderSdk(
            PROVIDER,
            self.name,
            FAILURES,
            explain_bedrock_error,
            # A call whose answer was lost may have been carried out, because an agent has its own
            # tools.
            acts=True,
        )
        call = ProviderCall(
            sdk, seconds=request.seconds_left, private=LogRedaction(texts=request.said)
        )
        answer = await call.begin(lambda: self._client.invoke_agent(**self._message(request)))
        yield Usage()
        stream = answer["completion"]
        events, reading = aiter(stream), _Reading(call)
        try:
            while (event := await call.next(events)) is not None:
                piece = call.read(partial(reading.take, event))
                if reading.news and (usage := reading.usage):
                    yield usage
                if piece:
                    yield TextDelta(piece)
                if reading.pieces.full:
                    break
        finally:
            stream.close()
        yield call.conclude(
            reading.pieces.text,
            call.read(lambda: agent_tool_calls(reading.control, request.tools)),
            final=request.final,
            cut=reading.pieces.full,
            replay=reading.control,
        )

    def _message(self, request: StepRequest) -> dict[str, Any]:
        message = {
            **self._agent,
            "sessionId": request.conversation,
            # Only the trace has the number of tokens.
            "enableTrace": True,
        }
        if request.exchange:
            step, results = request.exchange[-1]
            return message | {"sessionState": agent_session_state(step.replay, results)}
        return message | {"inputText": request.history[-1].text}


class _Reading:
    """Gathers the events of one answer."""

    def __init__(self, call: ProviderCall) -> None:
        self._call = call
        # A character may be divided between two chunks.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._spent: list[Usage] = []
        self.pieces = BoundedText()
        self.control: dict[str, Any] | None = None
        self.news = False

    @property
    def usage(self) -> Usage | None:
        if not self._spent:
            return None
        counted = self._spent[:_MOST_CALLS]
        return Usage(
            sum(usage.input_tokens or 0 for usage in counted),
            sum(usage.output_tokens or 0 for usage in counted),
        )

    def take(self, event: Mapping[str, Any]) -> str:
        if "returnControl" in event:
            self.control = tolerant_values.clean_json(event["returnControl"])
        self.news = self._count(event.get("trace", {}).get("trace", {}))
        chunk = event.get("chunk", {"bytes": b""})
        if "bytes" not in chunk:
            # botocore takes a payload that is no JSON for one without members.
            raise self._call.failed(UNREADABLE)
        return self.pieces.add(self._decoder.decode(chunk["bytes"]))

    def _count(self, trace: Mapping[str, Any]) -> bool:
        before = len(self._spent)
        for part in trace.values():
            output = part.get("modelInvocationOutput", {}) if isinstance(part, dict) else {}
            told = output.get("metadata", {}).get("usage")
            usage = tolerant_values.read_usage(
                told,
                ("inputTokens", "outputTokens"),
                input_at_most=_MOST_READ,
                output_at_most=_MOST_WRITTEN,
            )
            if usage is not None:
                self._spent.append(usage)
        return len(self._spent) > before
