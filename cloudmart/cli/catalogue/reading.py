"""A catalogue's file: a JSON array, JSON Lines or CSV, told apart by how it begins."""

import codecs
import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from io import BufferedReader
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationError

from cloudmart.products.models import ProductCreate
from cloudmart.settings.validation import error_in_words
from cloudmart.values.model import Model
from cloudmart.values.text import Key

_UNADDRESSABLE = re.compile(r"[/\x00-\x1f\x7f]|^\.{1,2}$")

LONGEST = 1024 * 1024
"""Bytes of one entry: as many as a request's body may have."""

_PIECE = 64 * 1024
DECODER = json.JSONDecoder(parse_float=Decimal)
_NEEDED = ("name", "price")
_DELIMITERS = ",;\t"


def _addressable(key: str) -> str:
    if _UNADDRESSABLE.search(key):
        raise ValueError("a URL cannot contain it: leave out slashes and control characters")
    return key


def _blank_is_none(value: Any) -> Any:  # noqa: ANN401 - whatever a file holds
    return None if value == "" else value


class _Identified(Model):
    id: Annotated[
        Annotated[Key, AfterValidator(_addressable)] | None, BeforeValidator(_blank_is_none)
    ] = None


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A product as a file has it, and where in the file; without an id it is a new one."""

    place: str
    id: str | None
    product: ProductCreate


@dataclass(frozen=True, slots=True)
class BadEntry:
    """A bad entry, and what is wrong with it."""

    place: str
    reason: str


class UnreadableFileError(Exception):
    """The file as a whole is no catalogue; the sentence says why."""


def parse_entry(place: str, value: Any) -> CatalogueEntry | BadEntry:  # noqa: ANN401 - whatever a file holds
    """Return the entry that a value of a file is, checked as a request would be."""
    if not isinstance(value, Mapping):
        return BadEntry(place, "not an object with a name and a price")
    try:
        identified = _Identified.model_validate(value)
        return CatalogueEntry(place, identified.id, ProductCreate.model_validate(value))
    except ValidationError as error:
        # The input is not repeated: it may be long, or play tricks on a terminal.
        faults = error.errors(include_url=False, include_input=False)
        return BadEntry(
            place, "; ".join(f"{fault['loc'][0]}: {error_in_words(fault)}" for fault in faults)
        )


class BadLineError(Exception):
    """A line that cannot be read; the next one can."""


class Lines(Iterator[str]):
    """Reads a file line by line, and continues after a bad one."""

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


def reason(error: ValueError | RecursionError) -> str:
    """Tell in a few words why a text is not JSON."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


class JsonArray:
    """Reads the values of an array; what it raises is a ValueError, and the end of reading.

    Not by ijson: docs/decisions/catalogue-file-reader.md says why.
    """

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        # What is not UTF-8 becomes no text either, so that it spoils only the value it is in.
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._text = ""
        self._ended = False

    def values(self) -> Iterator[Any]:
        """Yield the values; raise ValueError if the array does not end the file."""
        self._take("[")
        if self._upcoming() == "]":
            self._take("]")
        else:
            yield self._value()
            while self._take(",]") == ",":
                yield self._value()
        if self._upcoming():
            raise ValueError("more text follows the array")

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


def read_catalogue_file(file: BufferedReader) -> Iterator[CatalogueEntry | BadEntry]:
    """Yield what a file holds, in memory that does not grow with it.

    Raises:
        UnreadableFileError: it is none of the three formats.
    """
    head = file.peek()
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (head[:2].count(0) == 1):
        raise UnreadableFileError("It is UTF-16. Save it as UTF-8.")
    match head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]:
        case b"[":
            yield from _array(file)
        case b"{":
            yield from _json_lines(Lines(file))
        case _:
            yield from _csv(Lines(file))


def _array(file: BufferedReader) -> Iterator[CatalogueEntry | BadEntry]:
    number = 0
    try:
        for value in JsonArray(file).values():
            number += 1
            yield parse_entry(f"entry {number}", value)
    except ValueError as error:
        yield BadEntry(f"after entry {number}", f"not JSON ({error}); the rest was not read")


def _json_lines(lines: Lines) -> Iterator[CatalogueEntry | BadEntry]:
    while True:
        try:
            line = next(lines)
            if line.strip():
                yield parse_entry(f"line {lines.number}", DECODER.decode(line))
        except StopIteration:
            return
        except BadLineError as error:
            yield BadEntry(f"line {lines.number}", str(error))
        except (ValueError, RecursionError) as error:
            yield BadEntry(f"line {lines.number}", f"not JSON ({reason(error)})")


def _csv(lines: Lines) -> Iterator[CatalogueEntry | BadEntry]:
    try:
        first = next((line for line in lines if line.strip()), "")
    except BadLineError as error:
        raise UnreadableFileError(f"Line {lines.number} is {error}.") from error
    if not first:
        return
    delimiter = max(_DELIMITERS, key=first.count)
    columns = _columns(first, delimiter)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        place = f"line {lines.number + 1}"
        try:
            row = next(rows)
        except StopIteration:
            return
        except BadLineError as error:
            yield BadEntry(f"line {lines.number}", str(error))
        except csv.Error as error:
            yield BadEntry(place, f"not CSV ({error})")
        else:
            if len(row) == len(columns):
                yield parse_entry(place, dict(zip(columns, row, strict=True)))
            elif row:
                yield BadEntry(place, f"{len(row)} cells, where the first line has {len(columns)}")


def _columns(line: str, delimiter: str) -> list[str]:
    try:
        (cells,) = csv.reader([line], delimiter=delimiter, strict=True)
    except csv.Error:
        cells = []
    columns = [cell.strip().lower() for cell in cells]
    missing = [name for name in _NEEDED if columns.count(name) != 1]
    if missing:
        raise UnreadableFileError(
            "It begins neither as JSON nor with the names of CSV columns: "
            f"{' and '.join(missing)} must be there once; id, description and image may."
        )
    return columns
