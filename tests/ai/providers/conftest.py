"""The adapter of each provider, with a fake of its wire protocol."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import aioboto3
import pytest
from pydantic import SecretStr

from cloudmart.ai.ports import ChatModel
from cloudmart.ai.providers.azure import AzureSentiment, open_azure_sentiment
from cloudmart.ai.providers.bedrock_agent import open_bedrock_agent
from cloudmart.ai.providers.bedrock_converse import open_bedrock_converse
from cloudmart.ai.providers.openai import open_openai_chat
from cloudmart.dynamodb.session import new_session
from cloudmart.settings import AzureSettings, BedrockSettings, OpenAISettings
from tests.support import azure_language, event_stream, responses_api
from tests.support.scripted_server import Fault, LoopbackServer, Reply, loopback


class OpenAIWire:
    """The wire format of OpenAI."""

    repeats = True
    names = ("input_tokens", "output_tokens")

    def answer(self, *pieces: str) -> Reply:
        return responses_api.answer(*pieces)

    def asking(self, key: str, name: str, arguments: str) -> Reply:
        return responses_api.asking((key, name, arguments))

    def begun(self, piece: str, fault: Fault) -> Reply:
        return responses_api.stream(*responses_api.beginning(piece), fault)

    def empty(self) -> Reply:
        return responses_api.stream(responses_api.ending())

    def throttled(self, **headers: str) -> Reply:
        return responses_api.error(429, "rate_limit_exceeded", **headers)

    def faulty(self) -> Reply:
        return responses_api.error(500, "server_error", retry_after="0")

    def denied(self) -> Reply:
        return responses_api.error(401, "invalid_api_key")

    def garbled(self) -> Reply:
        return responses_api.stream(b"data: {not json\n\n")

    def costing(self, usage: Any) -> Reply:  # noqa: ANN401 - any JSON
        ending = responses_api.ending(responses_api.message("Yes."), usage=usage)
        return responses_api.stream(*responses_api.beginning("Yes."), ending)

    def endless(self, piece: str) -> Reply:
        *_, delta = responses_api.beginning(piece)
        return responses_api.stream(*repeated(delta))

    def silent(self) -> Reply:
        return responses_api.stream(*repeated(responses_api.event("response.in_progress")))

    def quoting(self, text: str) -> Reply:
        return responses_api.error(401, text, f"No: {text}.")


class ConverseWire:
    """The wire format of a model on Bedrock."""

    repeats = True
    names = ("inputTokens", "outputTokens")

    def answer(self, *pieces: str) -> Reply:
        said = [event_stream.text_delta(piece) for piece in pieces]
        return event_stream.stream(
            event_stream.message_start(), *said, *event_stream.message_stop()
        )

    def asking(self, key: str, name: str, arguments: str) -> Reply:
        call = event_stream.tool_use(key, name, arguments[:5], arguments[5:])
        return event_stream.stream(
            event_stream.message_start(), *call, *event_stream.message_stop("tool_use")
        )

    def begun(self, piece: str, fault: Fault) -> Reply:
        return event_stream.stream(
            event_stream.message_start(), event_stream.text_delta(piece), fault
        )

    def empty(self) -> Reply:
        return event_stream.stream(event_stream.message_start(), *event_stream.message_stop())

    def throttled(self, **headers: str) -> Reply:
        return event_stream.error(429, "ThrottlingException", **headers)

    def faulty(self) -> Reply:
        return event_stream.error(500, "InternalServerException", retry_after="0")

    def denied(self) -> Reply:
        return event_stream.error(403, "AccessDeniedException")

    def garbled(self) -> Reply:
        whole = event_stream.text_delta("Yes.")
        return event_stream.stream(whole[:-1] + bytes([whole[-1] ^ 1]))

    def costing(self, usage: Any) -> Reply:  # noqa: ANN401 - any JSON
        said = event_stream.text_delta("Yes.")
        return event_stream.stream(said, *event_stream.message_stop(usage=usage))

    def endless(self, piece: str) -> Reply:
        return event_stream.stream(*repeated(event_stream.text_delta(piece)))

    def silent(self) -> Reply:
        return event_stream.stream(*repeated(event_stream.message_start()))

    def quoting(self, text: str) -> Reply:
        return event_stream.error(403, "AccessDeniedException", f"No: {text}.")


class AgentWire(ConverseWire):
    """The wire format of an agent on Bedrock."""

    repeats = False

    def answer(self, *pieces: str) -> Reply:
        return event_stream.stream(*(event_stream.chunk(piece) for piece in pieces))

    def asking(self, key: str, name: str, arguments: str) -> Reply:
        del arguments  # An agent sends each argument as a separate parameter.
        wanted = event_stream.function_input(name, ("query", "string", "lamp"))
        return event_stream.stream(event_stream.return_control(key, wanted))

    def begun(self, piece: str, fault: Fault) -> Reply:
        return event_stream.stream(event_stream.chunk(piece), fault)

    def empty(self) -> Reply:
        return event_stream.stream()

    def costing(self, usage: Any) -> Reply:  # noqa: ANN401
        return event_stream.stream(event_stream.traced(usage), event_stream.chunk("Yes."))

    def endless(self, piece: str) -> Reply:
        return event_stream.stream(*repeated(event_stream.chunk(piece)))

    def silent(self) -> Reply:
        return event_stream.stream(*repeated(event_stream.event("trace", sessionId="s1")))


def repeated(piece: bytes | Fault) -> list[bytes | Fault]:
    """Return more bytes than any adapter reads, in chunks of a network's size."""
    assert isinstance(piece, bytes)
    return [piece * (65_536 // len(piece) + 1)] * 400


@dataclass(frozen=True, slots=True)
class Rig:
    """An adapter, its fake server, and the wire format."""

    chat: ChatModel
    server: LoopbackServer
    wire: OpenAIWire | ConverseWire


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Provide a server on loopback."""
    with loopback() as server:
        yield server


@pytest.fixture
def aws(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let AWS's SDK find Bedrock on loopback."""
    for name, value in {
        "AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME": server.url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def session() -> aioboto3.Session:
    """Provide one session, as in a process: it reads the description of each service once."""
    return new_session()


@pytest.fixture
async def openai(server: LoopbackServer) -> AsyncIterator[Rig]:
    """Provide OpenAI's adapter, with the address of another server."""
    settings = OpenAISettings(api_key=SecretStr("sk-test"), base_url=f"{server.url}/v1")
    async with open_openai_chat(settings) as chat:
        yield Rig(chat, server, OpenAIWire())


@pytest.fixture
async def agent(server: LoopbackServer, aws: None, session: aioboto3.Session) -> AsyncIterator[Rig]:
    """Provide the adapter of Bedrock's agents."""
    del aws
    settings = BedrockSettings(agent_id="AGENT00001", agent_alias_id="ALIAS00001")
    async with open_bedrock_agent(settings, session, "us-east-1") as chat:
        yield Rig(chat, server, AgentWire())


@pytest.fixture
async def converse(
    server: LoopbackServer, aws: None, session: aioboto3.Session
) -> AsyncIterator[Rig]:
    """Provide the adapter of Bedrock's models."""
    del aws
    settings = BedrockSettings(model_id="eu.amazon.nova-2-lite-v1:0")
    async with open_bedrock_converse(settings, session, "eu-central-1") as chat:
        yield Rig(chat, server, ConverseWire())


@pytest.fixture(params=["openai", "agent", "converse"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Provide each provider's adapter, one after the other."""
    rig: Rig = request.getfixturevalue(request.param)
    return rig


@pytest.fixture
async def azure(server: LoopbackServer) -> AsyncIterator[AzureSentiment]:
    """Provide the adapter with a fake service that keeps Azure's limits."""
    server.answer = azure_language.analyze
    settings = AzureSettings(endpoint=server.url, api_key=SecretStr("key-1"), language="de")
    async with open_azure_sentiment(settings) as azure:
        yield azure
