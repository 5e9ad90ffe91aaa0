"""What one step of an answer costs: as its provider tells it, else by an estimate."""

import asyncio
from dataclasses import dataclass
from math import ceil

from cloudmart.ai.ports import Delta, Step, StepRequest, Usage
from cloudmart.errors import ProviderTimeoutError

LONGEST_OUTPUT = 4000
"""Tokens of output that are reserved for a step: as many as a model is asked for at most."""

UNFINISHED_OUTPUT = 500
"""Tokens of output that a step is taken to cost at least which was given up before its end."""

# English has about four bytes to a token, most other scripts three and fewer.
_BYTES_READ, _BYTES_WRITTEN = 4, 3


@dataclass(slots=True)
class Spending:
    """What a step has cost so far: customers hang up and providers fail, and both are paid for."""

    asked: int
    told: Usage | None = None
    pieces: int = 0
    written: int = 0
    finished: bool = False

    @classmethod
    def on(cls, request: StepRequest) -> "Spending":
        """Return the spending on a step that has not begun."""
        return cls(ceil(request.size / _BYTES_READ))

    @property
    def reserved(self) -> int:
        """Return what the step may use."""
        return self.asked + LONGEST_OUTPUT

    def take(self, event: Delta | Usage | Step) -> None:
        """Take in what the step yields."""
        match event:
            case Usage():
                self.told = event
            case Delta():
                self.pieces += 1
                self.written += _size(event.text)
            case Step():
                self.finished = True
                calls = sum(_size(call.name) + _size(call.arguments) for call in event.calls)
                self.written = max(self.written, _size(event.text)) + calls

    def end(self, error: BaseException) -> None:
        """Take in what ended the step before it was finished."""
        lost = isinstance(error, asyncio.CancelledError | GeneratorExit | ProviderTimeoutError)
        if lost and self.told is None:
            # The request was on its way: nobody knows how far it came.
            self.told = Usage()

    def used(self) -> Usage | None:
        """Return what the step cost, None for one that cost nothing; no number is left out."""
        if self.told is None:
            return None
        told = self.told
        return Usage(
            self.asked if told.input_tokens is None else told.input_tokens,
            self._output() if told.output_tokens is None else told.output_tokens,
            told.cached_tokens,
            told.reasoning_tokens,
        )

    def _output(self) -> int:
        # Most providers send a piece for each token.
        seen = max(self.pieces, ceil(self.written / _BYTES_WRITTEN))
        return seen if self.finished else max(seen, UNFINISHED_OUTPUT)


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))
