"""The three formats, well-formed and hostile."""

import json
from collections.abc import Iterator
from decimal import Decimal
from io import BufferedReader, BytesIO, RawIOBase
from typing import TYPE_CHECKING

import pytest

from cloudmart.cli.catalogue.reading import (
    BadEntry,
    CatalogueEntry,
    UnreadableFileError,
    read_catalogue_file,
)
from cloudmart.products.models import ProductCreate

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LAMP = CatalogueEntry(
    "", "1", ProductCreate(name="Lamp", description="Warm.", price=Decimal("19.99"))
)
MUG = CatalogueEntry("", None, ProductCreate(name="Mug", price=Decimal(8)))

BOM = b"\xef\xbb\xbf"
CSV = b'id,name,description,price\r\n1,Lamp,Warm.,19.99\r\n"",Mug,"",8\r\n'
JSON = b"""[{"id": "1", "name": "Lamp", "description": "Warm.", "price": 19.99},
 {"name": "Mug", "price": 8}]"""
JSON_LINES = b"""{"id": "1", "name": "Lamp", "description": "Warm.", "price": 19.99}

{"name": "Mug", "price": 8}
"""


def _read(content: bytes) -> list[CatalogueEntry | BadEntry]:
    return list(read_catalogue_file(BufferedReader(BytesIO(content))))


def _reasons(content: bytes) -> list[str]:
    return [f"{one.place}: {one.reason}" for one in _read(content) if isinstance(one, BadEntry)]


@pytest.mark.parametrize(
    ("content", "places"),
    [
        (JSON, ["entry 1", "entry 2"]),
        (BOM + JSON, ["entry 1", "entry 2"]),
        (b" \n" + JSON.replace(b"\n", b"\r\n") + b"\n\n", ["entry 1", "entry 2"]),
        (JSON_LINES, ["line 1", "line 3"]),
        (BOM + JSON_LINES, ["line 1", "line 3"]),
        (JSON_LINES.replace(b"\n", b"\r\n").rstrip(), ["line 1", "line 3"]),
        (CSV, ["line 2", "line 3"]),
        (BOM + CSV, ["line 2", "line 3"]),
        (b"\n" + CSV.replace(b"\r\n", b"\n\n"), ["line 4", "line 6"]),
        (CSV.replace(b",", b";"), ["line 2", "line 3"]),
        (CSV.replace(b",", b"\t"), ["line 2", "line 3"]),
        (CSV.replace(b"name", b" Name ").replace(b"price", b"PRICE"), ["line 2", "line 3"]),
    ],
)
def test_one_catalogue_in_many_forms(content: bytes, places: list[str]) -> None:
    found = _read(content)

    entries = [one for one in found if isinstance(one, CatalogueEntry)]
    assert [one.place for one in found] == places
    assert [(one.id, one.product) for one in entries] == [
        (LAMP.id, LAMP.product),
        (MUG.id, MUG.product),
    ]


def test_prices_are_decimal_from_the_first_digit() -> None:
    (entry,) = _read(b'{"name": "Lamp", "price": 0.1}')

    assert isinstance(entry, CatalogueEntry)
    assert entry.product.price == Decimal("0.1")


def test_what_an_entry_leaves_out_is_known_as_left_out() -> None:
    (entry,) = _read(b"name,price\nLamp,1\n")

    assert isinstance(entry, CatalogueEntry)
    assert entry.product.model_fields_set == {"name", "price"}


@pytest.mark.parametrize("content", [b"", b"\n \n", BOM, b"[]", b" [ ] ", b"name,price\n"])
def test_a_file_may_be_empty(content: bytes) -> None:
    assert _read(content) == []


def test_a_cell_may_hold_lines_quotes_and_commas() -> None:
    (first, second) = _read(b'name,price,description\nA,1,"one\r\ntwo, ""three"""\nB,2,\n')

    assert isinstance(first, CatalogueEntry)
    assert first.product.description == 'one\r\ntwo, "three"'
    assert (first.place, second.place) == ("line 2", "line 4")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"name": "A"}', "price: is missing"),
        (b'{"name": "A", "price": NaN}', "price: is not a finite number"),
        (b'{"name": "A", "price": -Infinity}', "price: is not a finite number"),
        (b'{"name": "A", "price": 1e400}', "price: is more than 1000000"),
        (b'{"name": "A", "price": -1}', "price: is less than 0"),
        (
            b'{"name": "A", "price": 1.005}',
            "price: has more than 2 decimal places",
        ),
        (b'{"name": "A", "price": "1e3"}', "price: a number such as 19.99 is needed"),
        (b'{"name": "", "price": 1}', "name: is empty"),
        (b'{"name": null, "price": 1}', "name: is not a text"),
        (b'{"id": 7, "name": "A", "price": 1}', "id: is not a text"),
        (
            b'{"id": "a/b", "name": "A", "price": 1}',
            "id: a URL cannot contain it: leave out slashes and control characters",
        ),
        (
            b'{"id": "..", "name": "A", "price": 1}',
            "id: a URL cannot contain it: leave out slashes and control characters",
        ),
        (b'{"price": 1, "name": "A"', "not JSON (Expecting ',' delimiter)"),
        (b"garbage", "not JSON (Expecting value)"),
        (b'"text"', "not an object with a name and a price"),
        (b"[1]", "not an object with a name and a price"),
        (b'{"name": "\xff", "price": 1}', "not UTF-8, from byte 11 on: save the file as UTF-8"),
        (b"[" * 100_000, "not JSON (nested too deeply)"),
        (b'{"name": "' + b"A" * 1024 * 1024 + b'", "price": 1}', "longer than 1 MiB"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_bad_line_is_named_and_stops_nothing(line: bytes, reason: str) -> None:
    found = _read(b'{"name": "A", "price": 1}\n' + line + b'\n{"name": "B", "price": 2}\n')

    assert [one.place for one in found] == ["line 1", "line 2", "line 3"]
    assert found[1] == BadEntry("line 2", reason)
    assert isinstance(found[2], CatalogueEntry)


def test_all_that_is_wrong_with_an_entry_is_reported_at_once() -> None:
    (reason,) = _reasons(b'[{"name": 1, "price": "x", "image": "ftp://a"}]')

    assert reason.startswith("entry 1: name: ")
    assert "price: a number such as 19.99 is needed" in reason
    assert "image: " in reason


def test_a_lone_surrogate_is_not_text() -> None:
    (reason,) = _reasons(b'{"name": "\\ud800", "price": 1}')

    assert reason.startswith("line 1: name: ")


def test_what_was_sent_is_not_repeated() -> None:
    (reason,) = _reasons(b'{"name": "A", "price": "\\u001b[31msecret"}')

    assert reason == "line 1: price: a number such as 19.99 is needed"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"A", "line 2: 1 cells, where the first line has 2"),
        (b"A,1,2", "line 2: 3 cells, where the first line has 2"),
        (b'"A"B,1', "line 2: not CSV (',' expected after '\"')"),
        (b"\xff,1", "line 2: not UTF-8, from byte 1 on: save the file as UTF-8"),
        (b"A" * 200_000 + b",1", "line 2: not CSV (field larger than field limit (131072))"),
        (b"A" * 2_000_000 + b",1", "line 2: longer than 1 MiB"),
        (b'A,"2,5"', "line 2: price: a number such as 19.99 is needed"),
        (b",", "line 2: name: is empty"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_bad_row_is_named_and_stops_nothing(row: bytes, reason: str) -> None:
    content = b"name,price\n" + row + b"\nB,2\n"

    assert _reasons(content)[0].startswith(reason)
    assert isinstance(_read(content)[-1], CatalogueEntry)


def test_a_quote_that_is_never_closed_does_not_hide_what_came_before() -> None:
    found = _read(b'name,price\nA,1\n"B,2\n')

    assert isinstance(found[0], CatalogueEntry)
    assert found[1:] == [BadEntry("line 3", "not CSV (unexpected end of data)")]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (b"", "the array does not end"),
        (b",", "Expecting value"),
        (b",]", "Expecting value"),
        (b', {"name": "B" "price": 2}]', "Expecting ',' delimiter"),
        (b' {"name": "B", "price": 2}]', "a comma is missing"),
        (b", \xff]", "Expecting value"),
        (b", " + b"[" * 100_000, "nested too deeply"),
        (b'] {"name": "B", "price": 2}', "more text follows the array"),
        (b']\n[{"name": "B", "price": 2}]', "more text follows the array"),
        (b"]" + b" " * 100_000 + b"]", "more text follows the array"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_the_place_where_an_array_breaks_off_is_reported(end: bytes, reason: str) -> None:
    found = _read(b'[{"name": "A", "price": 1}' + end)

    last = found[-1]
    assert isinstance(found[0], CatalogueEntry)
    assert isinstance(last, BadEntry)
    assert last.place == "after entry 1"
    assert last.reason.startswith(f"not JSON ({reason}")
    assert last.reason.endswith("; the rest was not read")


def test_text_after_an_empty_array_is_reported() -> None:
    assert _read(b"[] and more") == [
        BadEntry("after entry 0", "not JSON (more text follows the array); the rest was not read")
    ]


def test_white_space_may_follow_an_array() -> None:
    assert [type(one) for one in _read(b'[{"name": "A", "price": 1}] \r\n\t\n')] == [CatalogueEntry]


def test_what_is_not_utf_8_in_an_array_spoils_its_entry_alone() -> None:
    found = _read(b'[{"name": "\xff", "price": 1}, {"name": "B", "price": 2}]')

    assert [type(one) for one in found] == [BadEntry, CatalogueEntry]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("name,price".encode("utf-16"), "It is UTF-16. Save it as UTF-8."),
        ("name,price".encode("utf-16-le"), "It is UTF-16. Save it as UTF-8."),
        ('[{"name": "A", "price": 1}]'.encode("utf-16-be"), "It is UTF-16. Save it as UTF-8."),
        (
            "name,price,größe".encode("latin-1"),
            "Line 1 is not UTF-8, from byte 14 on: save the file as UTF-8.",
        ),
        (
            b"\xff\xd8\xff\xe0 a picture",
            "Line 1 is not UTF-8, from byte 1 on: save the file as UTF-8.",
        ),
        (b"name\nLamp\n", "price must be there once"),
        (b"title,cost\nLamp,1\n", "name and price must be there once"),
        (b"name,price,price\nLamp,1,2\n", "price must be there once"),
        (b"<html></html>", "name and price must be there once"),
        (b"\0" * 3_000_000, "Line 1 is longer than 1 MiB."),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_file_that_is_not_a_catalogue_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        _read(content)


class _Long(RawIOBase):
    """A file that does not fit into memory, and counts how much of it was read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self.read_so_far = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        self._rest = self._rest or next(self._pieces, b"")
        taken = self._rest[: len(view)]
        self._rest = self._rest[len(taken) :]
        view[: len(taken)] = taken
        self.read_so_far += len(taken)
        return len(taken)


_LONG = json.dumps({"name": "A", "price": 1, "description": "A" * 3900}).encode()


@pytest.mark.parametrize(
    ("head", "piece", "tail"),
    [
        (b"", _LONG + b"\n", b""),
        (b"name,price,description\n", b"A,1," + b"A" * 3900 + b"\n", b""),
        (b"[" + _LONG, b"," + _LONG, b"]"),
    ],
    ids=["JSON Lines", "CSV", "JSON"],
)
def test_no_more_of_a_file_is_held_than_a_small_piece(
    head: bytes, piece: bytes, tail: bytes
) -> None:
    def pieces() -> Iterator[bytes]:
        yield head + piece
        for _ in range(1000):
            yield piece
        yield tail

    file = _Long(pieces())

    ahead = [
        file.read_so_far - number * len(piece)
        for number, one in enumerate(read_catalogue_file(BufferedReader(file)))
        if isinstance(one, CatalogueEntry)
    ]

    assert len(ahead) >= 1000
    assert max(ahead) < 100_000
