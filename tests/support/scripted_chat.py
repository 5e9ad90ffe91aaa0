"""A chat model that follows a script."""

import asyncio
import re
from collections.abc import AsyncGenerator

from cloudmart.ai.ports import ProviderStep, StepRequest, TextDelta, ToolCall, Usage
from cloudmart.errors import UpstreamError

Line = str | TextDelta | Usage | ToolCall | ProviderStep | UpstreamError | asyncio.Event


class ScriptedChat:
    """Plays one entry of its script for each step, and remembers the requests.

    A string is an answer, streamed word by word. A tool call asks for that tool. A step is returned
    as it is. An error is raised. After a delta, a usage, or an event that it waits for, it plays
    the next entry.
    """

    name = "scripted"
    model = "script"
    priced_by = ""

    def __init__(self, *script: Line) -> None:
        self._script = list(script)
        self.requests: list[StepRequest] = []
        self.asked = asyncio.Event()
        self.abandoned = 0

    async def step(
        self, request: StepRequest
    ) -> AsyncGenerator[TextDelta | Usage | ProviderStep, None]:
        self.requests.append(request)
        self.asked.set()
        try:
            while isinstance(line := self._next(), asyncio.Event | TextDelta | Usage):
                if isinstance(line, TextDelta | Usage):
                    yield line
                else:
                    await line.wait()
            if isinstance(line, UpstreamError):
                raise line
            if isinstance(line, str):
                for piece in re.findall(r"\s*\S+", line):
                    yield TextDelta(piece)
            yield _step(line)
        except (asyncio.CancelledError, GeneratorExit):
            self.abandoned += 1
            raise

    def _next(self) -> Line:
        assert self._script, "the model was asked for more steps than its script has"
        return self._script.pop(0)


def _step(line: str | ToolCall | ProviderStep) -> ProviderStep:
    if isinstance(line, str):
        return ProviderStep(line)
    return ProviderStep("", [line]) if isinstance(line, ToolCall) else line
