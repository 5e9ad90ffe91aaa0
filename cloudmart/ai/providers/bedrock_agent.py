"""A Bedrock agent (Agents "Classic"): its instructions and its memory are with AWS."""

import codecs
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aioboto3

from cloudmart.ai.ports import Delta, Step, StepRequest, Usage
from cloudmart.ai.providers.bedrock import FAILURES, PROVIDER, bedrock_client, explain
from cloudmart.ai.providers.bedrock_control import calls, returned
from cloudmart.ai.providers.call import ProviderCall
from cloudmart.ai.providers.refusals import UNREADABLE
from cloudmart.errors import ProviderDisabledError
from cloudmart.settings import BedrockSettings


@asynccontextmanager
async def bedrock_agent(
    settings: BedrockSettings, session: aioboto3.Session, region: str | None = None
) -> AsyncIterator["BedrockAgentChat"]:
    """Open a client for as long as the context lasts; `region` is Bedrock's if it has no own."""
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

    def __init__(self, client: Any, agent_id: str, alias_id: str) -> None:  # noqa: ANN401
        self._client = client
        self._agent = {"agentId": agent_id, "agentAliasId": alias_id}

    async def step(self, request: StepRequest) -> AsyncGenerator[Delta | Step, None]:
        call = ProviderCall(
            PROVIDER, self.name, failures=FAILURES, explain=explain, seconds=request.seconds_left
        )
        answer = await call.begin(lambda: self._client.invoke_agent(**self._message(request)))
        stream = answer["completion"]
        events, reading = aiter(stream), _Reading(call)
        try:
            while (event := await call.next(events)) is not None:
                if piece := reading.take(event):
                    yield Delta(piece)
        finally:
            stream.close()
        yield call.conclude(
            reading.text,
            calls(reading.control, request.tools),
            final=request.final,
            usage=reading.usage,
            replay=reading.control,
        )

    def _message(self, request: StepRequest) -> dict[str, Any]:
        message = {
            **self._agent,
            "sessionId": request.conversation,
            # Only the trace tells how many tokens were used.
            "enableTrace": True,
        }
        if request.exchange:
            step, results = request.exchange[-1]
            return message | {"sessionState": returned(step.replay, results)}
        return message | {"inputText": request.history[-1].text}


class _Reading:
    """Gathers the events of one answer."""

    def __init__(self, call: ProviderCall) -> None:
        self._call = call
        # A character may be divided between two chunks.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._spent: list[tuple[int, int]] = []
        self.text = ""
        self.control: dict[str, Any] | None = None

    @property
    def usage(self) -> Usage | None:
        if not self._spent:
            return None
        return Usage(sum(spent[0] for spent in self._spent), sum(spent[1] for spent in self._spent))

    def take(self, event: Mapping[str, Any]) -> str:
        if "returnControl" in event:
            self.control = event["returnControl"]
        for part in event.get("trace", {}).get("trace", {}).values():
            output = part.get("modelInvocationOutput", {}) if isinstance(part, dict) else {}
            if usage := output.get("metadata", {}).get("usage"):
                self._spent.append((usage.get("inputTokens", 0), usage.get("outputTokens", 0)))
        chunk = event.get("chunk", {"bytes": b""})
        if "bytes" not in chunk:
            # botocore takes a payload that is no JSON for one without members.
            raise self._call.failed(UNREADABLE)
        piece = self._decoder.decode(chunk["bytes"])
        self.text += piece
        return piece
