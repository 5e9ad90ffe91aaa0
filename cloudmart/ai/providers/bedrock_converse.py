"""A model on Bedrock, with our instructions, our tools and our history."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aioboto3

from cloudmart.ai.ports import Delta, Step, StepRequest
from cloudmart.ai.providers.bedrock import (
    FAILURES,
    PROVIDER,
    NoStreamError,
    bedrock_client,
    explain,
)
from cloudmart.ai.providers.call import ProviderCall
from cloudmart.ai.providers.converse_answer import Reply, StreamedReply, conclude
from cloudmart.ai.providers.converse_messages import messages, system, tool_config
from cloudmart.ai.providers.thoughts import Thoughts
from cloudmart.errors import ProviderDisabledError
from cloudmart.settings import BedrockSettings

# As much as the smallest models on Bedrock can be asked for.
_MAX_TOKENS = 2000


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

    async def step(self, request: StepRequest) -> AsyncGenerator[Delta | Step, None]:
        call = ProviderCall(
            PROVIDER, self.name, failures=FAILURES, explain=explain, seconds=request.seconds_left
        )
        parameters = self._parameters(request)
        if (stream := await self._open(call, parameters)) is None:
            answer = await call.begin(lambda: self._client.converse(**parameters))
            yield conclude(call, Reply.whole(answer), request)
            return
        events, reply, thoughts = aiter(stream), StreamedReply(), Thoughts()
        try:
            while (event := await call.next(events)) is not None:
                if piece := thoughts.leave_out(reply.take(event)):
                    yield Delta(piece)
        finally:
            stream.close()
        yield conclude(call, reply, request)

    async def _open(self, call: ProviderCall, parameters: dict[str, Any]) -> Any:  # noqa: ANN401
        if not self._streams:
            return None
        try:
            answer = await call.begin(lambda: self._client.converse_stream(**parameters))
        except NoStreamError:
            self._streams = False
            return None
        return answer["stream"]

    def _parameters(self, request: StepRequest) -> dict[str, Any]:
        return {
            "modelId": self._model_id,
            "system": system(request),
            "messages": messages(request),
            "inferenceConfig": {"maxTokens": _MAX_TOKENS},
            **tool_config(request),
        }
