"""JSON with decimal numbers, and an array of it taken apart value by value, whatever its size."""

import codecs
import json
from collections.abc import Iterator
from decimal import Decimal
from io import BufferedReader
from typing import Any

from cloudmart.cli.catalogue.lines import LONGEST

_PIECE = 64 * 1024
DECODER = json.JSONDecoder(parse_float=Decimal)


def reason(error: ValueError | RecursionError) -> str:
    """Tell in a few words why a text is not JSON."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


class JsonArray:
    """Reads the values of an array; what it raises is a ValueError, and the end of reading."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        # What is not UTF-8 becomes no text either, so that it spoils only the value it is in.
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._text = ""
        self._ended = False

    def values(self) -> Iterator[Any]:
        """Yield the values."""
        self._take("[")
        if self._upcoming() == "]":
            return
        while True:
            yield self._value()
            if self._take(",]") == "]":
                return

    def _value(self) -> Any:  # noqa: ANN401 - any JSON
        while True:
            self._upcoming()
            try:
                value, end = DECODER.raw_decode(self._text)
            except (ValueError, RecursionError) as error:
                # Incomplete or wrong: only more text can tell.
                if self._ended or len(self._text) > LONGEST:
                    raise ValueError(reason(error)) from error
            else:
                if end < len(self._text) or self._ended:
                    self._text = self._text[end:]
                    return value
            self._read()

    def _take(self, expected: str) -> str:
        mark = self._upcoming()
        if not mark or mark not in expected:
            raise ValueError("the array does not end" if self._ended else "a comma is missing")
        self._text = self._text[1:]
        return mark

    def _upcoming(self) -> str:
        while not (text := self._text.lstrip(" \t\r\n")) and not self._ended:
            self._read()
        self._text = text
        return text[:1]

    def _read(self) -> None:
        piece = self._file.read(_PIECE)
        self._ended = not piece
        self._text += self._utf8.decode(piece, final=self._ended)
