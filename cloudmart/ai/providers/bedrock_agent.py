"""A Bedrock agent (Agents "Classic"): its instructions and its memory are with AWS."""

import codecs
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aioboto3

from cloudmart.ai.ports import Delta, Step, StepRequest, Usage
from cloudmart.ai.providers import rude
from cloudmart.ai.providers.bedrock import FAILURES, PROVIDER, bedrock_client, explain
from cloudmart.ai.providers.bedrock_control import calls, returned
from cloudmart.ai.providers.call import ProviderCall
from cloudmart.ai.providers.pieces import Pieces
from cloudmart.ai.providers.private import Private
from cloudmart.ai.providers.refusals import UNREADABLE
from cloudmart.errors import ProviderDisabledError
from cloudmart.settings import BedrockSettings

_MOST_READ, _MOST_WRITTEN = 200_000, 8_000
"""Tokens that one of the calls an agent makes of its model can cost at most."""

_MOST_CALLS = 20
"""Such calls of one step that are counted."""


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

    async def step(self, request: StepRequest) -> AsyncGenerator[Delta | Usage | Step, None]:
        call = ProviderCall(
            PROVIDER,
            self.name,
            failures=FAILURES,
            explain=explain,
            seconds=request.seconds_left,
            # What was lost on its way may have been done: an agent has tools of its own.
            acts=True,
            private=Private(texts=request.said),
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
                    yield Delta(piece)
                if reading.pieces.full:
                    break
        finally:
            stream.close()
        yield call.conclude(
            reading.pieces.text,
            call.read(lambda: calls(reading.control, request.tools)),
            final=request.final,
            cut=reading.pieces.full,
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
        self._spent: list[Usage] = []
        self.pieces = Pieces()
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
            self.control = rude.clean(event["returnControl"])
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
            usage = rude.usage(
                told,
                ("inputTokens", "outputTokens"),
                input_at_most=_MOST_READ,
                output_at_most=_MOST_WRITTEN,
            )
            if usage is not None:
                self._spent.append(usage)
        return len(self._spent) > before
