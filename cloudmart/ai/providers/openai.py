"""OpenAI's Responses API, and the many servers that speak it."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from openai import (
    APIStatusError,
    AsyncOpenAI,
    BadRequestError,
    NotFoundError,
    UnprocessableEntityError,
)

from cloudmart.ai.ports import ProviderStep, StepRequest, TextDelta, Usage
from cloudmart.ai.providers.openai_messages import (
    StreamedAnswer,
    has_reasoning_items,
    input_items,
    tool_definitions,
)
from cloudmart.ai.providers.openai_refusals import (
    FAILURES,
    PROVIDER,
    ConversationTooLongError,
    explain_openai_error,
    refusal_of_code,
)
from cloudmart.ai.providers.provider_call import ProviderCall, ProviderSdk
from cloudmart.ai.providers.refusals import LogRedaction, ProviderErrorText
from cloudmart.ai.providers.responses_api import AnswerEvents, ResponsesApi, open_responses_api
from cloudmart.errors import ProviderDisabledError
from cloudmart.settings import Effort, OpenAISettings

_log = structlog.stdlib.get_logger(__name__)

_EVERY = timedelta(days=1).total_seconds()
_AGAIN = timedelta(hours=1).total_seconds()
_SHUTDOWN_PATIENCE = 10.0
_DATE = re.compile(r"\d{4}-\d\d-\d\d[0-9TZ:.+-]{0,20}")

BASE_URL = "https://api.openai.com/v1"
MAX_OUTPUT_TOKENS = 4000
"""Reasoning counts too: with a much lower limit a model may have nothing left to answer with."""

_SDK = ProviderSdk(PROVIDER, "openai", FAILURES, explain_openai_error, keeps_time=True)
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_REFUSED = (BadRequestError, NotFoundError, UnprocessableEntityError)


async def watch_for_shutdown(client: AsyncOpenAI, model: str) -> None:
    """Ask once a day, and once an hour while there is no answer, until it is cancelled."""
    while True:
        known = await warn_of_shutdown(client, model)
        await asyncio.sleep(_EVERY if known else _AGAIN)


async def warn_of_shutdown(client: AsyncOpenAI, model: str) -> bool:
    """Log a warning if OpenAI has announced the day on which a model ends; tell if it answered.

    Nothing is raised: a key may be restricted to creating responses, and a model that is not
    there shows with the first message. The date is that of `GET /v1/models/{model}`.
    """
    try:
        async with asyncio.timeout(_SHUTDOWN_PATIENCE):
            date = (await client.models.retrieve(model)).shutdown_date
    except (*FAILURES, TimeoutError, AttributeError) as error:
        # The last is for a page of HTML: the SDK returns it as a string.
        _log.info("model_shutdown_unknown", model=model, cause=type(error).__name__)
        return False
    if isinstance(date, str) and _DATE.fullmatch(date):
        _log.warning(
            "model_will_be_shut_down",
            model=model,
            date=date,
            advice="Set OPENAI_MODEL to its successor before that day.",
        )
    return True


@asynccontextmanager
async def open_openai_chat(settings: OpenAISettings) -> AsyncIterator["OpenAIChat"]:
    """Open a client while the context lasts; there must be a key."""
    if settings.api_key is None:
        raise ProviderDisabledError("OpenAI is not configured: set OPENAI_API_KEY.")
    # Always given: the SDK would use an empty OPENAI_BASE_URL as an address.
    base_url = settings.base_url or BASE_URL
    async with open_responses_api(settings.api_key.get_secret_value(), base_url) as api:
        chat = OpenAIChat(api, settings.model, settings.reasoning_effort)
        if not chat.is_openai:
            yield chat
            return
        watch = asyncio.create_task(watch_for_shutdown(api.sdk, settings.model))
        try:
            yield chat
        finally:
            watch.cancel()


class OpenAIChat:
    """Takes each step with one streamed request; nothing is stored at the provider."""

    name = "openai"

    def __init__(self, api: ResponsesApi, model: str, effort: Effort = Effort.OFF) -> None:
        self._api = api
        self.model = model
        self._effort = effort
        # The others refuse what they do not know, or say nothing and ignore it.
        host = api.host
        self.is_openai = host.endswith("api.openai.com")
        self.priced_by = "openai" if self.is_openai else ""
        # A thought comes back to those who ask for it sealed; they refuse one that is not.
        self._seals_thoughts = self.is_openai or host.endswith(_AZURE)
        self._takes_thoughts = True

    async def step(
        self, request: StepRequest
    ) -> AsyncGenerator[TextDelta | Usage | ProviderStep, None]:
        call = ProviderCall(
            _SDK,
            seconds=request.seconds_left,
            private=LogRedaction([self._api.sdk.api_key], request.said),
        )
        answer = StreamedAnswer(call, input_at_most=request.size, output_at_most=MAX_OUTPUT_TOKENS)
        async with await self._open(call, request) as stream:
            yield Usage()
            while (event := await call.next(stream)) is not None:
                if piece := call.read(partial(answer.take, event)):
                    yield TextDelta(piece)
                if answer.ended:
                    if not stream.at_end:
                        await call.finish(stream)
                    break
        if usage := answer.usage:
            yield usage
        yield call.read(lambda: answer.step(final=request.final))

    async def _open(self, call: ProviderCall, request: StepRequest) -> AnswerEvents:
        try:
            return await call.begin(lambda: self._create(call, request))
        except ConversationTooLongError:
            newest = request.history[-max(1, len(request.history) // 2) :]
            if len(newest) == len(request.history):
                raise
        return await call.begin(lambda: self._create(call, replace(request, history=newest)))

    async def _create(self, call: ProviderCall, request: StepRequest) -> AnswerEvents:
        try:
            return await self._post(call, request, thoughts=self._takes_thoughts)
        except _REFUSED as error:
            if not (self._takes_thoughts and has_reasoning_items(request)) or _told_why(error):
                raise
        stream = await self._post(call, request, thoughts=False)
        self._takes_thoughts = False
        return stream

    async def _post(
        self, call: ProviderCall, request: StepRequest, *, thoughts: bool
    ) -> AnswerEvents:
        body = {
            "model": self.model,
            "instructions": request.instructions,
            "input": input_items(request, thoughts=thoughts),
            "max_output_tokens": MAX_OUTPUT_TOKENS,
            "store": False,
            "stream": True,
            **tool_definitions(request),
            **self._optional(request),
        }
        return await self._api.post(body, call.seconds_left)

    def _optional(self, request: StepRequest) -> dict[str, Any]:
        sealed = {"include": ["reasoning.encrypted_content"]} if self._seals_thoughts else {}
        if not self.is_openai:
            return sealed
        optional: dict[str, Any] = {
            **sealed,
            "prompt_cache_key": "cloudmart-assistant",
            "safety_identifier": request.conversation,
            "stream_options": {"include_obfuscation": False},
            "truncation": "disabled",
        }
        if self._effort is not Effort.OFF:
            optional["reasoning"] = {"effort": self._effort.value}
        return optional


def _told_why(error: APIStatusError) -> bool:
    return refusal_of_code(ProviderErrorText.of(error.code)) is not None
