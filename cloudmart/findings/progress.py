"""The progress of a long run of checks: its lines, and below them the present check."""

import sys
from typing import Self

from rich.console import Console
from rich.status import Status
from rich.text import Text

_PIPE_WIDTH = 10_000
"""So that a line stays one line, however long, where no person's window ends it."""


class RunProgress:
    """Writes lines: in colours, and with a line that moves below them, on a terminal alone."""

    def __init__(self, *, quiet: bool) -> None:
        """Take whether to write nothing, because a program reads the output."""
        terminal = sys.stdout.isatty()
        self._quiet = quiet
        self._console = Console(
            highlight=False, soft_wrap=True, width=None if terminal else _PIPE_WIDTH
        )
        self._moving = Status("", console=self._console) if terminal and not quiet else None

    def __enter__(self) -> Self:
        if self._moving:
            self._moving.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._moving:
            self._moving.stop()

    def show(self, text: str) -> None:
        """Show what is under way, until something else is."""
        if self._moving:
            self._moving.update(text)

    def write(self, line: str, color: str = "", length: int = 0) -> None:
        """Write a line, of which so many characters are in a colour; nothing where it is quiet."""
        if self._quiet:
            return
        text = Text(line)
        if color:
            text.stylize(color, 0, length)
        self._console.print(text)
