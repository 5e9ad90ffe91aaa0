"""Text that people write, bounded and free of NUL."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from unicodedata import category, normalize

from pydantic import Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

# The pattern also refuses lone surrogates: what is no Unicode text does not reach the regex.
NO_NUL = r"^[^\x00]*$"

SOMETHING = r"^[^\x00]*[^\x00\s][^\x00]*$"
"""Text that is more than white space."""

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=SOMETHING)
]
Prose = Annotated[str, StringConstraints(max_length=4000, pattern=NO_NUL)]
Subject = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
AnyText = Annotated[str, StringConstraints(pattern=NO_NUL)]
Key = Annotated[str, Field(min_length=1, max_length=255, pattern=NO_NUL)]
"""The id of an item, ours or one of the older systems'."""

MOST_ITEMS = 20_000
"""Items that any list of a request may have."""


def replace_surrogates(text: str) -> str:
    """Return a text with a question mark for each half of a character, which no UTF-8 can hold."""
    return text.encode(errors="replace").decode()


def searchable(text: str) -> str:
    """Return a text as a search compares it: `cafe` finds `Café`, and `İZMİR` finds `İzmir`.

    Letters and their marks may be stored as one character or as two, which look the same.
    """
    if text.isascii():
        return text.casefold()
    # Folding may make new composed letters.
    decomposed = normalize("NFKD", normalize("NFKD", text).casefold())
    return "".join(letter for letter in decomposed if category(letter)[0] != "M")


class _Cut(ABC):
    """Cuts a value before it is validated; a decoder may do so even before."""

    @abstractmethod
    def cut(self, value: Any) -> Any:  # noqa: ANN401 - whatever a caller sends
        """Return what is kept of a value."""

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        cut: Callable[[Any], Any] = self.cut
        return core_schema.no_info_before_validator_function(cut, handler(source))


@dataclass(frozen=True, slots=True)
class Characters(_Cut):
    """Of a text, so many of its first characters."""

    most: int

    def cut(self, value: Any) -> Any:  # noqa: ANN401
        """Return the beginning of a text."""
        return value[: self.most] if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Newest(_Cut):
    """Of a list, so many of its last items, with one more to show that there were more.

    To say what is wrong with each of the millions that a body has room for takes minutes.
    """

    most: int

    def cut(self, value: Any) -> Any:  # noqa: ANN401
        """Return the end of a list, or raise ValueError where it is out of all proportion."""
        if not isinstance(value, list):
            return value
        if len(value) > MOST_ITEMS:
            raise PydanticCustomError("too_many", "send at most {most} of them", {"most": "20,000"})
        return value[-self.most - 1 :]
