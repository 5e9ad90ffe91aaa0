"""Text as a search compares it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmart.values.text import searchable

letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("cafe", "Café au lait"),
        ("CAFÉ", "Cafe\u0301 au lait"),
        ("cafe\u0301", "Café au lait"),
        ("İZMİR", "İzmir towel"),
        ("izmir", "İZMİR towel"),
        ("İzmir", "Izmir towel"),
        ("strasse", "Straße"),
        ("ﬁsh", "Fish kettle"),
        ("Ångström", "ANGSTROM meter"),
        ("naïve", "NAI\u0308VE"),
        ("한글", unicodedata.normalize("NFD", "한글 mug")),
    ],
)
def test_letters_are_found_however_they_are_written(asked: str, stored: str) -> None:
    assert searchable(asked) in searchable(stored)


@pytest.mark.parametrize(("asked", "stored"), [("lamp", "Kettle"), ("o", "Ø"), ("한", "하")])
def test_other_letters_are_not_found(asked: str, stored: str) -> None:
    assert searchable(asked) not in searchable(stored)


@given(letters)
def test_every_form_of_a_text_is_found_by_every_other(text: str) -> None:
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")}

    assert {searchable(form) for form in forms} == {searchable(text)}
