"""What a file says of a product: an entry that keeps the catalogue's rules, or why it does not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationError

from cloudmart.products.models import ProductCreate
from cloudmart.settings.validation import error_in_words
from cloudmart.values.model import Model
from cloudmart.values.text import Key

_UNADDRESSABLE = re.compile(r"[/\x00-\x1f\x7f]|^\.{1,2}$")


def _addressable(key: str) -> str:
    if _UNADDRESSABLE.search(key):
        raise ValueError("no URL could name it: leave out slashes and control characters")
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
    """What stands in the place of an entry and is none, and why."""

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
