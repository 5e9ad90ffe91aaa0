"""A Bedrock agent: its event stream as AWS's SDK decodes it, and return of control."""

import json
from typing import Any

import pytest

from cloudmart.ai.ports import ToolCall, ToolResult, Usage
from cloudmart.ai.providers.bedrock_agent import open_bedrock_agent
from cloudmart.dynamodb.session import new_session
from cloudmart.errors import (
    ProviderDisabledError,
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UpstreamError,
)
from cloudmart.settings import BedrockSettings
from tests.ai.providers.conftest import Rig
from tests.ai.providers.steps import (
    CONVERSATION,
    FIND_PRODUCTS,
    answer,
    assistant,
    cost,
    request,
    take,
    user,
)
from tests.support.event_stream import (
    chunk,
    error,
    event,
    exception,
    frame,
    function_input,
    return_control,
    stream,
    trace,
)
from tests.support.scripted_server import Fault, Reply


async def test_an_agent_is_sent_the_newest_message_in_its_own_session(agent: Rig) -> None:
    agent.server.play(stream(chunk("Yes.")))

    await answer(agent.chat, request(user("Hello"), assistant("Hi."), user("Lamps?")))

    (sent,) = agent.server.requests
    assert sent.path == f"/agents/AGENT00001/agentAliases/ALIAS00001/sessions/{CONVERSATION}/text"
    assert sent.json == {"inputText": "Lamps?", "enableTrace": True}
    assert "/us-east-1/bedrock/aws4_request" in sent.headers["authorization"]


async def test_a_character_divided_between_two_chunks_is_put_together(agent: Rig) -> None:
    first, second = "Prego, è tutto.".encode()[:8], "Prego, è tutto.".encode()[8:]
    agent.server.play(stream(chunk(first), chunk(second)))

    deltas, step = await take(agent.chat)

    assert deltas == ["Prego, ", "è tutto."]
    assert step.text == "Prego, è tutto."


async def test_bytes_that_are_not_text_are_replaced(agent: Rig) -> None:
    agent.server.play(stream(chunk(b"Yes\xff.")))

    assert await answer(agent.chat) == "Yes\N{REPLACEMENT CHARACTER}."


async def test_the_tokens_of_all_model_calls_are_counted(agent: Rig) -> None:
    agent.server.play(stream(trace(500, 20), trace(700, 30), chunk("Yes.")))

    assert await cost(agent.chat) == Usage(input_tokens=1200, output_tokens=50)


async def test_an_agent_that_returns_control_gets_the_results(agent: Rig) -> None:
    wanted = function_input("find_products", ("query", "string", "lamp"), ("limit", "integer", "3"))
    other = function_input("get_order", ("order_id", "string", "ab12cd34"))
    agent.server.play(stream(return_control("inv-1", wanted, other)), stream(chunk("Two.")))

    _, step = await take(agent.chat, request(tools=[FIND_PRODUCTS]))
    results = [
        ToolResult(call, f'{{"number": {number}}}') for number, call in enumerate(step.calls)
    ]
    await answer(agent.chat, request(tools=[FIND_PRODUCTS], exchange=[(step, results)]))

    assert step.calls == [
        ToolCall("inv-1/0", "find_products", '{"limit": 3, "query": "lamp"}'),
        ToolCall("inv-1/1", "get_order", '{"order_id": "ab12cd34"}'),
    ]
    assert agent.server.requests[1].json == {
        "enableTrace": True,
        "sessionState": {
            "invocationId": "inv-1",
            "returnControlInvocationResults": [
                {
                    "functionResult": {
                        "actionGroup": "shop",
                        "function": "find_products",
                        "responseBody": {"TEXT": {"body": '{"number": 0}'}},
                    }
                },
                {
                    "functionResult": {
                        "actionGroup": "shop",
                        "function": "get_order",
                        "responseBody": {"TEXT": {"body": '{"number": 1}'}},
                    }
                },
            ],
        },
    }


async def test_an_operation_of_an_openapi_schema_is_a_tool_too(agent: Rig) -> None:
    wanted = {
        "apiInvocationInput": {
            "actionGroup": "shop",
            "apiPath": "/find-products",
            "httpMethod": "POST",
            "parameters": [{"name": "limit", "type": "integer", "value": "3"}],
            "requestBody": {
                "content": {
                    "application/json": {
                        "properties": [{"name": "query", "type": "string", "value": "lamp"}]
                    }
                }
            },
        }
    }
    agent.server.play(stream(return_control("inv-1", wanted)), stream(chunk("Two.")))

    _, step = await take(agent.chat, request(tools=[FIND_PRODUCTS]))
    results = [ToolResult(call, "{}") for call in step.calls]
    await answer(agent.chat, request(tools=[FIND_PRODUCTS], exchange=[(step, results)]))

    assert step.calls == [ToolCall("inv-1/0", "find_products", '{"limit": 3, "query": "lamp"}')]
    (result,) = agent.server.requests[1].json["sessionState"]["returnControlInvocationResults"]
    assert result == {
        "apiResult": {
            "actionGroup": "shop",
            "apiPath": "/find-products",
            "httpMethod": "POST",
            "httpStatusCode": 200,
            "responseBody": {"application/json": {"body": "{}"}},
        }
    }


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("RESULT", None),
        # Only our own tool runs, and it only proposes.
        ("USER_CONFIRMATION_AND_RESULT", "CONFIRM"),
        # Otherwise the agent's Lambda function would run, to which our rules do not apply.
        ("USER_CONFIRMATION", "DENY"),
    ],
)
async def test_an_agent_may_not_act_by_itself_on_a_confirmation(
    agent: Rig, kind: str, told: str | None
) -> None:
    wanted = function_input(
        "cancel_order", ("order_id", "string", "ab12cd34"), actionInvocationType=kind
    )
    agent.server.play(stream(return_control("inv-1", wanted)), stream(chunk("Done.")))

    _, step = await take(agent.chat)
    results = [ToolResult(call, "{}") for call in step.calls]
    await answer(agent.chat, request(exchange=[(step, results)]))

    (result,) = agent.server.requests[1].json["sessionState"]["returnControlInvocationResults"]
    assert result["functionResult"].get("confirmationState") == told


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (("x", "boolean", "True"), True),
        (("x", "number", "1.5"), 1.5),
        (("x", "integer", "many"), "many"),
        (("x", "array", "[1]"), "[1]"),
    ],
)
async def test_parameters_are_of_the_type_the_agent_names(
    agent: Rig, parameter: tuple[str, str, str], value: object
) -> None:
    agent.server.play(stream(return_control("inv-1", function_input("any", parameter))))

    _, step = await take(agent.chat)

    assert json.loads(step.calls[0].arguments) == {"x": value}


def begun(last: bytes) -> Reply:
    """Return an answer that has begun, followed by a fault."""
    return stream(chunk("We ha"), last)


UNKNOWN = frame(
    {":message-type": "error", ":error-code": "Surprise", ":error-message": "Said."}, b""
)
NO_JSON = frame(
    {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"},
    b"{not json",
)
ODD_JSON = frame(
    {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}, b"[1]"
)
FAULT = "a fault of its own"
UNREADABLE = "it cannot be read"


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (begun(exception("throttlingException")), ProviderUnavailableError, "5 s"),
        (begun(exception("serviceQuotaExceededException")), ProviderUnavailableError, "5 s"),
        (begun(exception("modelNotReadyException")), ProviderUnavailableError, "5 s"),
        (begun(exception("conflictException")), ProviderUnavailableError, "5 s"),
        (begun(exception("internalServerException")), ProviderFailedError, FAULT),
        (begun(exception("badGatewayException")), ProviderFailedError, FAULT),
        (begun(exception("dependencyFailedException")), ProviderFailedError, FAULT),
        (begun(exception("validationException")), ProviderFailedError, "it refused the request"),
        (begun(exception("accessDeniedException")), ProviderMisconfiguredError, "role"),
        (begun(exception("resourceNotFoundException")), ProviderMisconfiguredError, "BEDROCK_ id"),
        (begun(UNKNOWN), ProviderFailedError, FAULT),
        (begun(NO_JSON), ProviderFailedError, UNREADABLE),
        (begun(ODD_JSON), ProviderFailedError, UNREADABLE),
        (begun(chunk("more")[:-1] + b"\x00"), ProviderFailedError, UNREADABLE),
        (begun(b"\x00\x00\x00\x10" * 4), ProviderFailedError, UNREADABLE),
    ],
)
async def test_an_error_inside_the_stream_gets_our_own_message(
    agent: Rig, reply: Reply, kind: type[UpstreamError], words: str
) -> None:
    agent.server.play(reply)

    with pytest.raises(kind, match=words) as raised:
        await take(agent.chat)

    assert "Said by the provider" not in str(raised.value)
    assert len(agent.server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "kind", "words", "requests"),
    [
        (error(400, "ValidationException"), ProviderFailedError, "it refused the request", 1),
        (error(403, "AccessDeniedException"), ProviderMisconfiguredError, "role", 1),
        (error(403, "ExpiredTokenException"), ProviderUnavailableError, "cannot be asked", 2),
        (error(404, "ResourceNotFoundException"), ProviderMisconfiguredError, "BEDROCK_ id", 1),
        (error(424, "DependencyFailedException", retry_after="0"), ProviderFailedError, FAULT, 1),
        (error(429, "ThrottlingException", retry_after="0"), ProviderUnavailableError, "1 s", 2),
        (error(500, "InternalServerException", retry_after="0"), ProviderFailedError, FAULT, 1),
        (error(418, "SurpriseException"), ProviderFailedError, "it refused the request", 1),
        (Reply(502, {"retry-after": "0"}, [b"<html>"]), ProviderFailedError, FAULT, 1),
        (error(503, "ServiceUnavailableException"), ProviderUnavailableError, "5 s", 1),
        (error(409, "ConflictException"), ProviderUnavailableError, "5 s", 1),
        (error(429, "ServiceQuotaExceededException"), ProviderUnavailableError, "5 s", 2),
    ],
)
async def test_a_request_that_is_refused_gets_our_own_message(
    agent: Rig, reply: Reply, kind: type[UpstreamError], words: str, requests: int
) -> None:
    agent.server.play(reply, reply)

    with pytest.raises(kind, match=words) as raised:
        await take(agent.chat)

    assert "Said by the provider" not in str(raised.value)
    assert len(agent.server.requests) == requests


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.NONSENSE])
async def test_a_message_whose_answer_is_lost_is_not_sent_again(agent: Rig, fault: Fault) -> None:
    # By then the agent may have canceled an order.
    lost = Reply(headers=agent.wire.answer().headers, chunks=[fault])
    agent.server.play(lost, agent.wire.answer("Canceled twice."))

    with pytest.raises(UpstreamError):
        await take(agent.chat, request(seconds_left=5))

    assert len(agent.server.requests) == 1


async def test_an_answer_that_ends_inside_a_frame_is_empty(agent: Rig) -> None:
    agent.server.play(stream(chunk("Yes.")[:40], Fault.CUT))

    with pytest.raises(ProviderFailedError, match="it was empty"):
        await take(agent.chat)


async def test_a_stall_in_the_stream_is_given_up_in_time(agent: Rig) -> None:
    agent.server.play(stream(chunk("We ha"), Fault.HANG))

    with pytest.raises(ProviderTimeoutError):
        await take(agent.chat, request(seconds_left=0.3))


async def test_an_unknown_event_is_ignored(agent: Rig) -> None:
    agent.server.play(stream(event("somethingNew", value=1), event("files"), chunk("Yes.")))

    assert await answer(agent.chat) == "Yes."


async def test_without_credentials_the_settings_are_to_blame(
    agent: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    settings = BedrockSettings(agent_id="AGENT00001", agent_alias_id="ALIAS00001")

    async with open_bedrock_agent(settings, new_session(), "us-east-1") as chat:
        with pytest.raises(ProviderMisconfiguredError, match="credentials"):
            await take(chat)

    assert agent.server.requests == []


@pytest.mark.parametrize("given", [{}, {"agent_id": "AGENT00001"}])
async def test_an_agent_that_is_half_configured_is_disabled(given: dict[str, Any]) -> None:
    with pytest.raises(ProviderDisabledError, match="set BEDROCK_AGENT_ID"):
        async with open_bedrock_agent(BedrockSettings(**given), new_session()):
            pass
