"""A model on Bedrock, with our instructions, our tools and our history."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aioboto3
from botocore.exceptions import ClientError

from cloudmart.ai.ports import Delta, Step, StepRequest, Usage
from cloudmart.ai.providers.bedrock import (
    FAILURES,
    PROVIDER,
    NoStreamError,
    bedrock_client,
    explain,
    refused,
)
from cloudmart.ai.providers.call import ProviderCall
from cloudmart.ai.providers.converse_answer import (
    MAX_TOKENS,
    Reply,
    StreamedReply,
    conclude,
    usage,
)
from cloudmart.ai.providers.converse_messages import (
    has_thoughts,
    messages,
    system,
    tool_config,
)
from cloudmart.ai.providers.private import Private
from cloudmart.ai.providers.thoughts import Thoughts
from cloudmart.errors import ProviderDisabledError
from cloudmart.settings import BedrockSettings

_COST_WITHIN = 1.0
"""Seconds in which a model tells what its answer cost, once that has ended."""


@asynccontextmanager
async def bedrock_converse(
    settings: BedrockSettings, session: aioboto3.Session, region: str | None = None
) -> AsyncIterator["BedrockConverseChat"]:
    """Open a client for as long as the context lasts; `region` is Bedrock's if it has no own."""
    if settings.model_id is None:
        raise ProviderDisabledError("No Bedrock model is configured: set BEDROCK_MODEL_ID.")
    async with bedrock_client(session, "bedrock-runtime", settings.region or region) as client:
        yield BedrockConverseChat(client, settings.model_id)


class BedrockConverseChat:
    """Takes each step with one call of ConverseStream; of Converse for models that cannot."""

    name = "bedrock-converse"

    def __init__(self, client: Any, model_id: str) -> None:  # noqa: ANN401 - botocore's
        self._client = client
        self._model_id = model_id
        self._streams = True
        self._takes_thoughts = True

    async def step(self, request: StepRequest) -> AsyncGenerator[Delta | Usage | Step, None]:
        call = ProviderCall(
            PROVIDER,
            self.name,
            failures=FAILURES,
            explain=explain,
            seconds=request.seconds_left,
            private=Private(texts=request.said),
        )
        reply: Reply
        if (stream := await self._open(call, request)) is None:
            answer = await call.begin(lambda: self._ask(self._client.converse, request))
            yield Usage()
            reply = call.read(lambda: Reply.whole(answer))
        else:
            yield Usage()
            events, reply, thoughts = aiter(stream), StreamedReply(), Thoughts()
            try:
                while (event := await call.next(events)) is not None:
                    if piece := thoughts.leave_out(call.read(partial(reply.take, event))):
                        yield Delta(piece)
                    if reply.pieces.full:
                        reply.stop = "max_tokens"
                    if reply.stop is not None:
                        # What it cost comes last.
                        await call.finish(events, reply.take, within=_COST_WITHIN)
                        break
            finally:
                stream.close()
        if told := usage(reply, request):
            yield told
        yield call.read(lambda: conclude(call, reply, request))

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
            if not (self._takes_thoughts and has_thoughts(request)) or not refused(error):
                raise
        answer = await ask(**self._parameters(request, thoughts=False))
        self._takes_thoughts = False
        return answer

    def _parameters(self, request: StepRequest, *, thoughts: bool) -> dict[str, Any]:
        return {
            "modelId": self._model_id,
            "system": system(request),
            "messages": messages(request, thoughts=thoughts),
            "inferenceConfig": {"maxTokens": MAX_TOKENS},
            **tool_config(request),
        }
