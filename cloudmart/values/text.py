"""Text that people write, bounded and free of NUL."""

from typing import Annotated
from unicodedata import category, normalize

from pydantic import Field, StringConstraints

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


def whole(text: str) -> str:
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
