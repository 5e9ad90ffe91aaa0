"""Files of the catalogue: they can be read again, and exist completely or not at all."""

import asyncio
import csv
import json
import os
import re
import stat
from collections.abc import Sequence
from decimal import Decimal
from io import BufferedReader, BytesIO, StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudmart.cli.catalogue.export import Format, format_of, open_destination, write_catalogue_file
from cloudmart.cli.catalogue.reading import CatalogueEntry, read_catalogue_file
from cloudmart.products.models import Product, ProductCreate
from cloudmart.values.page import Page, Pages
from tests.cli.conftest import Cloudmart

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50)
_PRICES = st.integers(0, 100_000_000).map(lambda cents: Decimal(cents) / 100)
_PRODUCTS = st.builds(
    Product,
    id=st.text("abc123-_. ~é", min_size=1).filter(lambda key: key not in {".", ".."}),
    name=_TEXT.map(str.strip).filter(bool),
    description=_TEXT,
    price=_PRICES,
    image=st.sampled_from(["", "https://shop.example.com/a,b.png?c=%20&d='", "data:image/png,A"]),
)


def _written(products: Sequence[Product], form: Format) -> str:
    async def pages() -> Pages[Product]:
        yield Page(list(products[:2]), last=False)
        yield Page([], last=False)
        yield Page(list(products[2:]), last=True)

    file = StringIO(newline="")
    count = asyncio.run(write_catalogue_file(pages(), form, file))
    assert count == len(products)
    return file.getvalue()


@settings(max_examples=40, deadline=None)
@given(st.lists(_PRODUCTS, max_size=5), st.sampled_from(Format))
def test_what_is_written_is_read_again(products: list[Product], form: Format) -> None:
    text = _written(products, form)

    found = list(read_catalogue_file(BufferedReader(BytesIO(text.encode()))))

    assert [type(one) for one in found] == [CatalogueEntry] * len(products)
    assert [(one.id, one.product) for one in found if isinstance(one, CatalogueEntry)] == [
        (product.id, ProductCreate.model_validate(product.model_dump())) for product in products
    ]


LAMP = Product(id="1", name="Lämp", description='"Warm", they say.', price=Decimal("19.90"))
MUG = Product(id="2", name="Mug", price=Decimal(8))


def test_a_json_array_has_a_line_for_each_product() -> None:
    text = _written([LAMP, MUG], Format.JSON)

    assert [len(text.splitlines()), len(json.loads(text))] == [4, 2]
    said = {
        "id": "1",
        "name": "Lämp",
        "description": '"Warm", they say.',
        "price": 19.9,
        "image": "",
    }
    assert said.items() <= json.loads(text)[0].items()


def test_no_products_are_an_empty_array() -> None:
    assert json.loads(_written([], Format.JSON)) == []


def test_csv_begins_with_the_names_of_its_columns() -> None:
    rows = list(csv.DictReader(StringIO(_written([LAMP, MUG], Format.CSV), newline="")))

    said = {"id": "2", "name": "Mug", "description": "", "price": "8.0", "image": ""}
    assert said.items() <= rows[1].items()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.json", Format.JSON),
        ("a.jsonl", Format.JSONL),
        ("a.NDJSON", Format.JSONL),
        ("a.csv", Format.CSV),
        ("a", Format.JSON),
        ("-", Format.JSON),
    ],
)
def test_a_files_name_tells_its_format(name: str, form: Format) -> None:
    assert format_of(Path(name)) is form


def _write_to(path: Path, text: str) -> None:
    with open_destination(path) as file:
        file.write(text)


def _fail_while_writing_to(path: Path) -> None:
    with open_destination(path) as file:
        file.write("half")
        raise EOFError


def test_a_failed_export_keeps_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text("whole")

    with pytest.raises(EOFError):
        _fail_while_writing_to(path)

    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text("former")
    path.chmod(0o640)

    _write_to(path, "new")

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_still_points_to_the_same_file(tmp_path: Path) -> None:
    path, link = tmp_path / "catalogue.json", tmp_path / "link"
    path.write_text("former")
    link.symlink_to(path)

    _write_to(link, "new")

    assert link.is_symlink()
    assert path.read_text() == "new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    _write_to(Path(os.devnull), "new")

    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("name", ["out.xyz", "out.txt", "catalogue.xlsx", "out.json.gz"])
def test_an_ending_of_no_format_is_refused_with_those_there_are(
    name: str, cloudmart: Cloudmart, tmp_path: Path
) -> None:
    refused = cloudmart("catalogue", "export", tmp_path / name)
    chosen = cloudmart("catalogue", "export", tmp_path / name, "--format", "csv")

    assert (refused.exit_code, chosen.exit_code) == (2, 0)
    assert ".json, .jsonl, .ndjson or" in re.sub(r"[\s│]+", " ", refused.stderr)
