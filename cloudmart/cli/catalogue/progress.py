"""How far reading a file has come: a bar on a terminal, a line now and then elsewhere."""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from cloudmart.cli.store import Tell

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class _Watched(RawIOBase):
    def __init__(self, file: BufferedReader, advance: Callable[[int], None]) -> None:
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        count = self._file.readinto1(buffer)
        self._advance(count)
        return count


@contextmanager
def watched(file: BufferedReader, title: str) -> Iterator[tuple[BufferedReader, Tell]]:
    """Show how far a file has been read; give the file to read, and where to say things."""
    console = Console(stderr=True)

    def tell(sentence: str) -> None:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    total = _size(file)
    if not console.is_terminal:
        lines = ProgressLines(title, total, tell)
        yield BufferedReader(_Watched(file, lines.advance)), tell
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield BufferedReader(_Watched(file, lambda count: progress.advance(task, count))), tell


class ProgressLines:
    """Says every ten seconds how far something has come, where no bar can move."""

    def __init__(
        self,
        title: str,
        total: int | None,
        tell: Tell,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._total = total
        self._tell = tell
        self._monotonic = monotonic
        self._read = 0
        self._next = monotonic() + EVERY

    def advance(self, count: int) -> None:
        """Count bytes that were read, and say so if it is time."""
        self._read += count
        if (now := self._monotonic()) >= self._next:
            self._next = now + EVERY
            of = f" of {self._total:,}" if self._total else ""
            self._tell(f"{self._title}: {self._read:,}{of} bytes read")


def _size(file: BufferedReader) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except OSError:  # no file of the system's
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
