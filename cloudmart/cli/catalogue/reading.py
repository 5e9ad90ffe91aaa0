"""A catalogue's file: a JSON array, JSON Lines or CSV, told apart by how it begins."""

import codecs
import csv
from collections.abc import Iterator
from io import BufferedReader

from cloudmart.cli.catalogue.array import DECODER, JsonArray, reason
from cloudmart.cli.catalogue.entries import Bad, Entry, UnreadableFileError, entry
from cloudmart.cli.catalogue.lines import BadLineError, Lines

_NEEDED = ("name", "price")
_DELIMITERS = ",;\t"


def read(file: BufferedReader) -> Iterator[Entry | Bad]:
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


def _array(file: BufferedReader) -> Iterator[Entry | Bad]:
    number = 0
    try:
        for value in JsonArray(file).values():
            number += 1
            yield entry(f"entry {number}", value)
    except ValueError as error:
        yield Bad(f"after entry {number}", f"not JSON ({error}); the rest was not read")


def _json_lines(lines: Lines) -> Iterator[Entry | Bad]:
    while True:
        try:
            line = next(lines)
            if line.strip():
                yield entry(f"line {lines.number}", DECODER.decode(line))
        except StopIteration:
            return
        except BadLineError as error:
            yield Bad(f"line {lines.number}", str(error))
        except (ValueError, RecursionError) as error:
            yield Bad(f"line {lines.number}", f"not JSON ({reason(error)})")


def _csv(lines: Lines) -> Iterator[Entry | Bad]:
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
            yield Bad(f"line {lines.number}", str(error))
        except csv.Error as error:
            yield Bad(place, f"not CSV ({error})")
        else:
            if len(row) == len(columns):
                yield entry(place, dict(zip(columns, row, strict=True)))
            elif row:
                yield Bad(place, f"{len(row)} cells, where the first line has {len(columns)}")


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
