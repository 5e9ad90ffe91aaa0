"""Calls to every provider: within the time left, at most twice, with its errors translated."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import structlog
from aiohttp import ConnectionTimeoutError

from cloudmart.ai.ports import ProviderStep, ToolCall
from cloudmart.ai.providers.bounded_response import TOO_LARGE, why_refused
from cloudmart.ai.providers.refusals import (
    UNREADABLE,
    LogRedaction,
    ProviderErrorText,
    ProviderRefusal,
)
from cloudmart.ai.providers.tolerant_values import LONGEST_ANSWER
from cloudmart.errors import (
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    UpstreamError,
)
from cloudmart.observability.metrics import PROVIDER_REFUSALS, PROVIDER_RETRIES

T = TypeVar("T")

_log = structlog.stdlib.get_logger(__name__)

MOST_EVENTS = 20_000
"""Events of one answer that are read: five for each token a model was asked for at most."""

WITHHELD = "I am sorry, I cannot help with that."
"""The answer if a filter withheld the model's own."""

_LAST_READ = 0.1
_NO_MORE = object()
_OTHERS_TURN = 50
"""Events that are read before other tasks run, if they arrive faster than they are read."""


@dataclass(frozen=True, slots=True)
class ProviderSdk:
    """What a call must know of a provider's SDK.

    `failures` are the exceptions it is known to raise, and `explain` says what they mean. `label`
    is what it is called in metrics and in the log. A call that `acts` is not repeated where it may
    have been carried out. Where it `keeps_time`, a call and its stream raise TimeoutError by
    themselves when the time is up.
    """

    provider: str
    label: str
    failures: tuple[type[Exception], ...]
    explain: Callable[[Exception], ProviderRefusal]
    acts: bool = False
    keeps_time: bool = False


class ProviderCall:
    """One call to a provider, from its first try to the end of its answer.

    `private` knows what the provider may quote.
    """

    def __init__(
        self, sdk: ProviderSdk, *, seconds: float, private: LogRedaction | None = None
    ) -> None:
        self._provider = sdk.provider
        self._label = sdk.label
        self._failures: tuple[type[Exception], ...] = (*sdk.failures, TimeoutError)
        self._explain = sdk.explain
        self._acts = sdk.acts
        self._keeps_time = sdk.keeps_time
        self._private = private or LogRedaction()
        self._events = 0
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + seconds

    @property
    def seconds_left(self) -> float:
        """Return how many seconds are left."""
        return self._end - self._loop.time()

    async def begin(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what a call answers, or raise an UpstreamError.

        After a temporary refusal it tries once more, if the time left allows it. The SDKs' own
        retries are off: they wait as long as the provider asks, which may be longer than the
        customer waits.
        """
        tried = False
        while True:
            try:
                return await self._in_time(call())
            except self._failures as error:
                refusal = self._read(error)
                pause = _pause(refusal)
                again = refusal.passing and (refusal.untouched or not self._acts)
                if tried or not again or self._loop.time() + pause >= self._end:
                    raise self.refuse(refusal) from error
            tried = True
            PROVIDER_RETRIES.labels(self._label).inc()
            await asyncio.sleep(pause)

    async def next(self, stream: AsyncIterator[T]) -> T | None:
        """Return the next piece of an answer that has begun, None after its last.

        Nothing is tried again here: the customer may have seen the beginning.
        """
        try:
            while True:
                self._events += 1
                if self._events > MOST_EVENTS:
                    raise self.failed(TOO_LARGE)
                if not self._events % _OTHERS_TURN:
                    await asyncio.sleep(0)
                event = await self._in_time(anext(stream, _NO_MORE))
                if event is _NO_MORE:
                    return None
                if event is not None:
                    return cast("T", event)
        except self._failures as error:
            refusal = self._read(error)
            if refusal.lost:
                broken = ProviderFailedError(self._provider, "it broke off")
                refusal = ProviderRefusal(broken, said=refusal.said)
            raise self.refuse(refusal) from error

    def read(self, read: Callable[[], T]) -> T:
        """Return what a reading gives, or raise ProviderFailedError where it makes no sense."""
        try:
            return read()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self.failed(UNREADABLE) from error

    async def finish(
        self,
        stream: AsyncIterator[T],
        take: Callable[[T], object] = lambda _: None,
        *,
        within: float = _LAST_READ,
    ) -> None:
        """Read what follows the end of an answer, briefly: only then is the connection reused.

        Nothing that comes now, or does not, costs the answer.
        """
        with suppress(*self._failures):
            async with asyncio.timeout(within):
                for _ in range(_OTHERS_TURN):
                    if (event := await anext(stream, None)) is None:
                        break
                    take(event)

    def conclude(
        self,
        text: str,
        calls: Sequence[ToolCall] = (),
        *,
        final: bool,
        cut: bool = False,
        replay: Any = None,  # noqa: ANN401 - each provider's own
    ) -> ProviderStep:
        """Return the step that an answer makes, or raise ProviderFailedError.

        An answer that was `cut` short says so; calls it asked for may lack their ends.
        """
        text = text.strip()
        cut = cut or len(text) > LONGEST_ANSWER
        text = text[:LONGEST_ANSWER]
        if calls and not final and not cut:
            return ProviderStep(text, calls, replay)
        if not text:
            raise self.failed("it asked for more tools" if calls else "it was empty")
        return ProviderStep(f"{text} …" if cut else text, (), replay)

    def failed(self, reason: str) -> UpstreamError:
        """Return the error for an answer that is of no use, logged and counted."""
        return self.refuse(ProviderRefusal(ProviderFailedError(self._provider, reason)))

    def refuse(self, refusal: ProviderRefusal) -> UpstreamError:
        """Return a refusal's error, logged and counted."""
        error, said = refusal.error, refusal.said
        PROVIDER_REFUSALS.labels(self._label, error.code).inc()
        ours = isinstance(error, ProviderMisconfiguredError)
        (_log.error if ours else _log.warning)(
            "provider_refused",
            provider=self._label,
            problem=error.code,
            reason=str(error),
            provider_code=self._private.code(said.code),
            provider_request_id=self._private.request_id(said.request_id),
            # Other failures are about what the customer wrote.
            provider_sentence=self._private.sentence(said.sentence) if ours else "",
        )
        return error

    async def _in_time(self, answer: Awaitable[T]) -> T:
        if self._keeps_time:
            return await answer
        async with asyncio.timeout_at(self._end):
            return await answer

    def _read(self, error: Exception) -> ProviderRefusal:
        # A connection that was not made in time is no answer that took too long.
        if isinstance(error, TimeoutError) and not isinstance(error, ConnectionTimeoutError):
            return ProviderRefusal(
                ProviderTimeoutError(self._provider), said=ProviderErrorText(type(error).__name__)
            )
        if reason := why_refused(error):
            failed = ProviderFailedError(self._provider, reason)
            return ProviderRefusal(failed, said=ProviderErrorText(type(error).__name__))
        return self._explain(error)


def _pause(refusal: ProviderRefusal) -> float:
    if refusal.wait is not None:
        return refusal.wait
    return random.uniform(0.25, 0.75)  # noqa: S311 - keeps callers from coming back together
