"""`cloudmart` in its own process, with real signals, terminals and imports."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

_LONGEST = 120.0


@dataclass(frozen=True, slots=True)
class Ended:
    """The output and the exit code of a process that has ended."""

    code: int
    out: str
    err: str


class Command:
    """A running process."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - Python, with our own arguments
            [sys.executable, *arguments],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def read_until(self, text: str) -> str:
        """Return its output up to a line with some text."""
        lines = []
        for line in self._process.stdout or ():
            lines.append(line)
            if text in line:
                return "".join(lines)
        raise RuntimeError("".join(lines) + self.ended().err)

    @property
    def running(self) -> bool:
        """Return whether it is still running."""
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def ended(self) -> Ended:
        """Wait until it has ended, and return its output and exit code."""
        out, err = self._process.communicate(timeout=_LONGEST)
        return Ended(self._process.returncode, out, err)

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def running(*arguments: str, **environ: str) -> Iterator[Command]:
    """Run Python with some arguments while the context lasts."""
    command = Command(arguments, os.environ | environ)
    try:
        yield command
    finally:
        command.kill()
