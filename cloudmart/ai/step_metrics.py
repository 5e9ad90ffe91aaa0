"""The metrics of a provider call: its time, its tokens, its cost."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from prometheus_client import Counter, Histogram

from cloudmart.ai.ports import ChatModel, ProviderStep, TextDelta, Usage
from cloudmart.ai.prices import price_of
from cloudmart.errors import (
    CloudmartError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from cloudmart.observability.metrics import (
    AI_COST,
    AI_FIRST_TOKEN,
    AI_REQUESTS,
    AI_TOKENS,
    AI_UNPRICED,
)

ANALYZER = "sentiment"
"""What stands for a model where an analyzer of sentiment is asked."""

_FREE = {ProviderMisconfiguredError.code, ProviderUnavailableError.code}
"""How a reading ends that its provider has not begun."""


class StepMeter:
    """Takes the time of one step of a model."""

    def __init__(self, model: ChatModel, seconds: float) -> None:
        self._model = model
        self._seconds = seconds
        self._began = time.perf_counter()
        self._written = False
        self._outcome = "failed"

    def take(self, event: TextDelta | Usage | ProviderStep) -> None:
        """Take in what the step yields."""
        match event:
            case TextDelta():
                self._note_text()
            case ProviderStep(calls=()):
                self._note_text()
                self._outcome = "answered"
            case ProviderStep():
                self._outcome = "tools"
            case Usage():
                pass

    def end(self, error: BaseException | None = None) -> None:
        """Count the step, and how it ended."""
        took = time.perf_counter() - self._began
        if isinstance(error, asyncio.CancelledError) and took >= self._seconds:
            # The caller that waits for the answer gave it up first, at the same moment.
            outcome = ProviderTimeoutError.code
        else:
            outcome = _outcome(error) or self._outcome
        _timer(self._model.name, self._model.model, outcome).observe(took)

    def _note_text(self) -> None:
        if not self._written:
            self._written = True
            took = time.perf_counter() - self._began
            _first_token(self._model.name, self._model.model).observe(took)


@contextmanager
def step_meter(model: ChatModel, seconds: float) -> Iterator[StepMeter]:
    """Give what takes the time of a step that has so many seconds."""
    meter = StepMeter(model, seconds)
    try:
        yield meter
    except BaseException as error:
        meter.end(error)
        raise
    meter.end()


def count_usage(model: ChatModel, usage: Usage) -> None:
    """Count the tokens of a step, and what they cost."""
    kinds = {
        "input": usage.input_tokens or 0,
        "cached": usage.cached_tokens,
        "output": usage.output_tokens or 0,
        "reasoning": usage.reasoning_tokens,
    }
    for kind, tokens in kinds.items():
        _tokens(model.name, model.model, kind).inc(tokens)
    price = price_of(model.priced_by, model.model)
    _count_cost(model.name, model.model, None if price is None else price.of_tokens(usage))


@contextmanager
def analysis_meter(source: str, units: int) -> Iterator[None]:
    """Count a reading of a chat's mood that is paid for by units of text."""
    began = time.perf_counter()
    outcome = "answered"
    try:
        yield
    except BaseException as error:
        outcome = _outcome(error) or "failed"
        raise
    finally:
        _timer(source, ANALYZER, outcome).observe(time.perf_counter() - began)
        if outcome not in _FREE:
            price = price_of(source, ANALYZER)
            _count_cost(source, ANALYZER, None if price is None else units * price.unit)


def _count_cost(provider: str, model: str, dollars: float | None) -> None:
    if dollars is None:
        AI_UNPRICED.labels(provider, model).inc()
    else:
        AI_COST.labels(provider, model).inc(dollars)


@cache
def _timer(provider: str, model: str, outcome: str) -> Histogram:
    return AI_REQUESTS.labels(provider, model, outcome)


@cache
def _first_token(provider: str, model: str) -> Histogram:
    return AI_FIRST_TOKEN.labels(provider, model)


@cache
def _tokens(provider: str, model: str, kind: str) -> Counter:
    return AI_TOKENS.labels(provider, model, kind)


def _outcome(error: BaseException | None) -> str | None:
    match error:
        case None:
            return None
        case CloudmartError():
            return error.code
        case TimeoutError():
            return ProviderTimeoutError.code
        case asyncio.CancelledError() | GeneratorExit():
            return "abandoned"
    return "failed"
