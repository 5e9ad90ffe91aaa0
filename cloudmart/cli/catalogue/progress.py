"""How far reading a file has come, shown on a terminal and nowhere else."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from cloudmart.cli.store import Tell

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


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

    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(title, total=_size(file))
        yield BufferedReader(_Watched(file, lambda count: progress.advance(task, count))), tell


def _size(file: BufferedReader) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except OSError:  # no file of the system's
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
