"""The lines of a file, whatever is in it: each bounded, numbered, and UTF-8."""

import codecs
from collections.abc import Iterator
from io import BufferedReader

LONGEST = 1024 * 1024
"""Bytes of one entry: as many as a request's body may have."""


class BadLineError(Exception):
    """A line that cannot be read; the next one can."""


class Lines(Iterator[str]):
    """Reads a file line by line and goes on after a bad one."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self.number = 0

    def __next__(self) -> str:
        """Return the next line with its end, or raise BadLineError."""
        line = self._file.readline(LONGEST + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > LONGEST:
            while line and not line.endswith(b"\n"):
                line = self._file.readline(LONGEST)
            raise BadLineError("longer than 1 MiB")
        if self.number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            place = f"not UTF-8, from byte {error.start + 1} on"
            raise BadLineError(f"{place}: save the file as UTF-8") from error
