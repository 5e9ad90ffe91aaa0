"""The output of a roll-out: at once, in a report, and as one document for programs."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.status import Status

Now = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class RolloutOutput:
    """Prints what happens, and keeps all of it."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    now: Now = _now
    facts: dict[str, Any] = field(default_factory=dict)
    _entries: list[dict[str, Any]] = field(default_factory=list)
    _stages: list[dict[str, Any]] = field(default_factory=list)
    _progress: str = ""
    _status: Status | None = None

    @contextmanager
    def stage(self, name: str, title: str) -> Iterator[None]:
        """Print that a stage begins. On a terminal, show meanwhile what it waits for."""
        stage = {"name": name, "began": self._stamp(), "outcome": "broken off"}
        self._stages.append(stage)
        self.say(title)
        try:
            with self._live(title):
                yield
        except Exception:
            stage["outcome"] = "failed"
            raise
        else:
            stage["outcome"] = "done"
        finally:
            stage["ended"] = self._stamp()
            self._progress = ""

    def say(self, sentence: str) -> None:
        """Print a step or an end."""
        self._tell("say", sentence, f"== {sentence}")

    def warn(self, sentence: str) -> None:
        """Print a warning. The roll-out continues."""
        self._tell("warning", sentence, f"!! {sentence}")

    def command(self, words: str) -> None:
        """Print a command of kubectl that changes something."""
        self._tell("command", words, f"+ {words}")

    def detail(self, text: str) -> None:
        """Print something as it was found: last log lines, an event, an answer."""
        indented = "\n".join(f"   {line}" for line in text.splitlines())
        self._tell("detail", text, indented)

    def progress(self, text: str) -> None:
        """Show how far it is: on a terminal in place, else a line for each change."""
        if text == self._progress:
            return
        self._progress = text
        if self._status:
            self._keep("progress", text)
            self._status.update(text)
        else:
            self._tell("progress", text, f"   {text}")

    def document(self) -> dict[str, Any]:
        """Return everything that was printed, for a program."""
        return {**self.facts, "stages": self._stages, "events": self._entries}

    def write(self, file: Path) -> None:
        """Keep the document in a file that nobody else reads: logs are in it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(f"{json.dumps(self.document(), indent=2)}\n", "utf-8")

    @contextmanager
    def _live(self, title: str) -> Iterator[None]:
        if not self.stream.isatty():
            yield
            return
        console = Console(file=self.stream, highlight=False, markup=False)
        try:
            with console.status(title) as self._status:
                yield
        finally:
            self._status = None

    def _tell(self, kind: str, text: str, line: str) -> None:
        self._keep(kind, text)
        # The reader of the output may have gone; the report is still kept.
        with suppress(OSError, ValueError):
            if self._status:
                self._status.console.print(line, soft_wrap=True)
            else:
                self.stream.write(f"{line}\n")
                self.stream.flush()

    def _keep(self, kind: str, text: str) -> None:
        self._entries.append({"at": self._stamp(), "kind": kind, "text": text})

    def _stamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")


class ExitCode(IntEnum):
    """What the command's exit code means."""

    ROLLED_OUT = 0
    NOT = 1
    """Not rolled out. What ran before still runs."""
    CALLED_WRONGLY = 2
    NEEDS_A_PERSON = 3
    """Not rolled out. A person must decide what to do now."""


class NotRolledOutError(Exception):
    """It was not rolled out, and what ran before still runs."""


class UnhealthyError(Exception):
    """The new pods, or the access to them, have a fault: go back."""


class PersonNeededError(Exception):
    """It cannot go on and cannot go back by itself."""


class RolloutInterruptedError(BaseException):
    """Somebody broke the roll-out off, or another one has taken its place."""
