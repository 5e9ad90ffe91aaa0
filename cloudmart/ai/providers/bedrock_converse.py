"""A model on Bedrock, with our instructions, our tools and our history."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aioboto3
from botocore.exceptions import ClientError

from cloudmart.ai.ports import (
    ProviderMessage,
    ProviderStep,
    Role,
    StepRequest,
    TextDelta,
    ToolResult,
    ToolSpec,
    Usage,
)
from cloudmart.ai.providers.bedrock import (
    FAILURES,
    PROVIDER,
    NoStreamError,
    bedrock_client,
    explain_bedrock_error,
    is_content_refusal,
)
from cloudmart.ai.providers.converse_answer import (
    MAX_TOKENS,
    ConverseReply,
    ReasoningFilter,
    StreamedReply,
    converse_step,
    converse_usage,
)
from cloudmart.ai.providers.provider_call import ProviderCall, ProviderSdk
from cloudmart.ai.providers.refusals import LogRedaction
from cloudmart.ai.providers.tolerant_values import plain_schema
from cloudmart.errors import ProviderDisabledError
from cloudmart.settings import BedrockSettings

_NO_MORE_TOOLS = "Answer the customer now with what you know. Do not call another tool."

_COST_WITHIN = 1.0
"""Seconds that a model has after its answer to report what it cost."""


def converse_system(request: StepRequest) -> list[dict[str, str]]:
    """Return the instructions; there is no other way here to forbid further tools."""
    texts = [request.instructions, *([_NO_MORE_TOOLS] if request.final and request.tools else [])]
    return [{"text": text} for text in texts]


def converse_messages(request: StepRequest, *, thoughts: bool = True) -> list[dict[str, Any]]:
    """Return what was said, then what the turn did so far, with the model's thoughts or without."""
    said = _history(request.history)
    for step, results in request.exchange:
        content = [part for part in step.replay if thoughts or not _is_thought(part)]
        said.append({"role": "assistant", "content": content})
        said.append({"role": "user", "content": [_result(result) for result in results]})
    return said


def has_reasoning_content(request: StepRequest) -> bool:
    """Return whether the model thought on its way here."""
    return any(_is_thought(part) for step, _ in request.exchange for part in step.replay)


def converse_tool_config(request: StepRequest) -> dict[str, Any]:
    """Return the tools, if there are any."""
    if not request.tools:
        return {}
    return {"toolConfig": {"tools": [_tool(tool) for tool in request.tools]}}


def _is_thought(part: dict[str, Any]) -> bool:
    return "reasoningContent" in part


def _history(history: Sequence[ProviderMessage]) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    for message in history:
        if not message.text.strip() or (not said and message.role is not Role.USER):
            continue
        if said and said[-1]["role"] == message.role:
            said[-1]["content"].append({"text": message.marked})
        else:
            said.append({"role": message.role.value, "content": [{"text": message.marked}]})
    return said


def _result(result: ToolResult) -> dict[str, Any]:
    return {"toolResult": {"toolUseId": result.call.id, "content": [{"text": result.marked}]}}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "toolSpec": {
            "name": tool.name,
            "description": tool.description,
            # Amazon's own models read no more of a schema than its plain form has.
            "inputSchema": {"json": plain_schema(tool.parameters)},
        }
    }


@asynccontextmanager
async def open_bedrock_converse(
    settings: BedrockSettings, session: aioboto3.Session, region: str | None = None
) -> AsyncIterator["BedrockConverseChat"]:
    """Open a client while the context lasts; `region` is Bedrock's if it has no own."""
    if settings.model_id is None:
        raise ProviderDisabledError("No Bedrock model is configured: set BEDROCK_MODEL_ID.")
    async with bedrock_client(session, "bedrock-runtime", settings.region or region) as client:
        yield BedrockConverseChat(client, settings.model_id)


class BedrockConverseChat:
    """Takes each step with one call of ConverseStream; of Converse for models that cannot."""

    name = "bedrock-converse"
    priced_by = "bedrock"

    def __init__(self, client: Any, model_id: str) -> None:  # noqa: ANN401 - botocore's
        self._client = client
        self.model = model_id
        self._streams = True
        self._takes_thoughts = True

    async def step(
        self, request: StepRequest
    ) -> AsyncGenerator[TextDelta | Usage | ProviderStep, None]:
        sdk = ProviderSdk(PROVIDER, self.name, FAILURES, explain_bedrock_error)
        call = ProviderCall(
            sdk, seconds=request.seconds_left, private=LogRedaction(texts=request.said)
        )
        reply: ConverseReply
        if (stream := await self._open(call, request)) is None:
            answer = await call.begin(lambda: self._ask(self._client.converse, request))
            yield Usage()
            reply = call.read(lambda: ConverseReply.whole(answer))
        else:
            yield Usage()
            events, reply, thoughts = aiter(stream), StreamedReply(), ReasoningFilter()
            try:
                while (event := await call.next(events)) is not None:
                    if piece := thoughts.leave_out(call.read(partial(reply.take, event))):
                        yield TextDelta(piece)
                    if reply.pieces.full:
                        reply.stop = "max_tokens"
                    if reply.stop is not None:
                        # What it cost comes last.
                        await call.finish(events, reply.take, within=_COST_WITHIN)
                        break
            finally:
                stream.close()
        if told := converse_usage(reply, request):
            yield told
        yield call.read(lambda: converse_step(call, reply, request))

    async def _open(self, call: ProviderCall, request: StepRequest) -> Any:  # noqa: ANN401
        if not self._streams:
            return None
        try:
            answer = await call.begin(lambda: self._ask(self._client.converse_stream, request))
        except NoStreamError:
            self._streams = False
            return None
        return answer["stream"]

    async def _ask(self, ask: Callable[..., Awaitable[Any]], request: StepRequest) -> Any:  # noqa: ANN401
        try:
            return await ask(**self._parameters(request, thoughts=self._takes_thoughts))
        except ClientError as error:
            if not (
                self._takes_thoughts and has_reasoning_content(request)
            ) or not is_content_refusal(error):
                raise
        answer = await ask(**self._parameters(request, thoughts=False))
        self._takes_thoughts = False
        return answer

    def _parameters(self, request: StepRequest, *, thoughts: bool) -> dict[str, Any]:
        return {
            "modelId": self.model,
            "system": converse_system(request),
            "messages": converse_messages(request, thoughts=thoughts),
            "inferenceConfig": {"maxTokens": MAX_TOKENS},
            **converse_tool_config(request),
        }
