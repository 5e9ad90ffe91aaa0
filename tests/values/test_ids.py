"""Ids: short enough to type in a chat, random enough not to be guessed."""

import math

from hypothesis import given
from hypothesis import strategies as st

from cloudmart.values.ids import ALPHABET, LENGTH, derived_id, new_id

secrets = st.binary(min_size=32, max_size=32)


def test_an_id_carries_at_least_75_random_bits() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert LENGTH * math.log2(len(ALPHABET)) >= 75


def test_no_letter_of_an_id_looks_like_another() -> None:
    assert not set("0o1liILO") & set(ALPHABET)
    assert ALPHABET.lower() == ALPHABET
    assert ALPHABET.isalnum()


def test_ten_thousand_new_ids_are_all_different_and_use_every_letter() -> None:
    ids = {new_id() for _ in range(10_000)}

    assert len(ids) == 10_000
    assert {len(one) for one in ids} == {LENGTH}
    assert set().union(*ids) == set(ALPHABET)


@given(secrets, st.text())
def test_a_text_has_one_id_and_it_looks_like_a_new_one(secret: bytes, text: str) -> None:
    derived = derived_id(secret, text)

    assert derived == derived_id(secret, text)
    assert len(derived) == LENGTH
    assert set(derived) <= set(ALPHABET)


@given(secrets, st.lists(st.text(), min_size=2, max_size=20, unique=True))
def test_other_texts_have_other_ids(secret: bytes, texts: list[str]) -> None:
    assert len({derived_id(secret, text) for text in texts}) == len(texts)


@given(st.lists(secrets, min_size=2, max_size=20, unique=True), st.text())
def test_without_the_secret_an_id_cannot_be_predicted(candidates: list[bytes], text: str) -> None:
    assert len({derived_id(secret, text) for secret in candidates}) == len(candidates)
