"""The catalogue written to a file, in one of the formats that can be read again."""

import csv
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from cloudmart.products.models import Product, ProductCreate
from cloudmart.values.page import Pages

STANDARD_OUTPUT = Path("-")
_FIELDS = ("id", *ProductCreate.model_fields)
_ENDINGS = {"": "json", ".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class Format(StrEnum):
    """How a file holds the catalogue."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


def format_of(path: Path) -> Format:
    """Return the format a file's name promises; a JSON array where it has no ending.

    Raises:
        ValueError: the ending is no format's; the sentence says which there are.
    """
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        raise ValueError(
            f"There is no format {ending!r}: name the file .json, .jsonl, .ndjson or .csv, or "
            "choose one with --format."
        )
    return Format(_ENDINGS[ending])


async def write_catalogue_file(pages: Pages[Product], form: Format, file: TextIO) -> int:
    """Write all products and return how many there were."""
    rows = csv.DictWriter(file, _FIELDS)
    if form is Format.CSV:
        rows.writeheader()
    count = 0
    async for page in pages:
        for product in page.items:
            said = product.model_dump(mode="json", include=set(_FIELDS))
            if form is Format.CSV:
                rows.writerow(said)
            else:
                separator = "" if form is Format.JSONL else ",\n" if count else "[\n"
                file.write(separator + json.dumps(said, ensure_ascii=False))
                file.write("\n" if form is Format.JSONL else "")
            count += 1
    if form is Format.JSON:
        file.write("\n]\n" if count else "[]\n")
    return count


@contextmanager
def open_destination(path: Path) -> Iterator[TextIO]:
    """Give a file to write to; what stood there before stays until the new one is whole."""
    if path == STANDARD_OUTPUT:
        output = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
        yield output
        output.detach()
    elif path.exists() and not path.is_file():  # a pipe, a device: nothing to put in its place
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    else:
        with _replaced(path.resolve()) as file:
            yield file


@contextmanager
def _replaced(path: Path) -> Iterator[TextIO]:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        file = draft.open("x", encoding="utf-8", newline="")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with file:
            yield file
        if path.exists():
            shutil.copymode(path, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
