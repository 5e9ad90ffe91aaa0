"""OpenAI's Responses API, and the many servers that speak it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient

from cloudmart.ai.ports import Delta, Step, StepRequest, ToolSpec
from cloudmart.ai.providers.call import ProviderCall
from cloudmart.ai.providers.openai_answer import Answer
from cloudmart.ai.providers.openai_refusals import (
    FAILURES,
    PROVIDER,
    ConversationTooLongError,
    explain,
)
from cloudmart.ai.providers.openai_shutdown import watch_for_shutdown
from cloudmart.errors import ProviderDisabledError
from cloudmart.settings import Effort, OpenAISettings

BASE_URL = "https://api.openai.com/v1"

MAX_OUTPUT_TOKENS = 4000
"""Reasoning counts too: much less, and a model may think until nothing is left to answer with."""


@asynccontextmanager
async def openai_chat(settings: OpenAISettings) -> AsyncIterator["OpenAIChat"]:
    """Open a client for as long as the context lasts; there must be a key."""
    if settings.api_key is None:
        raise ProviderDisabledError("OpenAI is not configured: set OPENAI_API_KEY.")
    async with AsyncOpenAI(
        api_key=settings.api_key.get_secret_value(),
        # Never left to the SDK: it takes an empty OPENAI_BASE_URL for an address.
        base_url=settings.base_url or BASE_URL,
        timeout=httpx2.Timeout(60, connect=3),
        max_retries=0,
        http_client=DefaultAioHttpClient(),
    ) as client:
        chat = OpenAIChat(client, settings.model, settings.reasoning_effort)
        if not chat.is_openai:
            yield chat
            return
        watch = asyncio.create_task(watch_for_shutdown(client, settings.model))
        try:
            yield chat
        finally:
            watch.cancel()


class OpenAIChat:
    """Takes each step with one streamed request; nothing is stored at the provider."""

    name = "openai"

    def __init__(self, client: AsyncOpenAI, model: str, effort: Effort = Effort.OFF) -> None:
        self._client = client
        self._model = model
        self._effort = effort
        # The others refuse what they do not know, or say nothing and ignore it.
        self.is_openai = client.base_url.host.endswith("api.openai.com")

    async def step(self, request: StepRequest) -> AsyncGenerator[Delta | Step, None]:
        call = ProviderCall(
            PROVIDER, self.name, failures=FAILURES, explain=explain, seconds=request.seconds_left
        )
        answer = Answer(call)
        async with await self._open(call, request) as stream:
            while (event := await call.next(stream)) is not None:
                if piece := answer.take(event):
                    yield Delta(piece)
                if answer.ended:
                    await call.finish(stream)
                    break
        yield answer.step(final=request.final)

    async def _open(self, call: ProviderCall, request: StepRequest) -> AsyncStream[object]:
        try:
            return await call.begin(lambda: self._create(request))
        except ConversationTooLongError:
            newest = request.history[-max(1, len(request.history) // 2) :]
            if len(newest) == len(request.history):
                raise
        return await call.begin(lambda: self._create(replace(request, history=newest)))

    async def _create(self, request: StepRequest) -> AsyncStream[object]:
        # Plain objects: `responses.create` would turn each event into one of some sixty models,
        # which it builds when the first event comes and which check nothing.
        return await self._client.post(
            "/responses",
            body={
                "model": self._model,
                "instructions": request.instructions,
                "input": _input(request),
                "max_output_tokens": MAX_OUTPUT_TOKENS,
                "store": False,
                "stream": True,
                **self._tools(request),
                **self._optional(request),
            },
            cast_to=object,
            stream=True,
            stream_cls=AsyncStream[object],
        )

    def _tools(self, request: StepRequest) -> dict[str, Any]:
        if not request.tools:
            return {}
        return {
            "tools": [_tool(tool) for tool in request.tools],
            "tool_choice": "none" if request.final else "auto",
            "parallel_tool_calls": False,
        }

    def _optional(self, request: StepRequest) -> dict[str, Any]:
        if not self.is_openai:
            return {}
        optional: dict[str, Any] = {
            "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "cloudmart-assistant",
            "safety_identifier": request.conversation,
            "stream_options": {"include_obfuscation": False},
            "truncation": "disabled",
        }
        if self._effort is not Effort.OFF:
            optional["reasoning"] = {"effort": self._effort.value}
        return optional


def _input(request: StepRequest) -> list[Any]:
    items: list[Any] = [
        {"role": message.role.value, "content": message.text} for message in request.history
    ]
    for step, results in request.exchange:
        items += step.replay
        items += [
            {"type": "function_call_output", "call_id": result.call.id, "output": result.output}
            for result in results
        ]
    return items


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": True,
    }
