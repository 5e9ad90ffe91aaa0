"""Reasoning between tags, in one part and in many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmart.ai.providers.converse_answer import ReasoningFilter, without_reasoning


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Yes.", "Yes."),
        ("<thinking>Hm.</thinking>Yes.", "Yes."),
        ("One <thinking>Hm.</thinking>two <thinking>Hm.</thinking>three", "One two three"),
        ("Yes. <thinking>never closed", "Yes. "),
        ("1 < 2 <think> </thinking>", "1 < 2 <think> </thinking>"),
    ],
)
def test_thoughts_are_left_out(text: str, shown: str) -> None:
    assert without_reasoning(text) == shown


@given(
    st.lists(
        st.sampled_from(["<thinking>", "</thinking>", "<", "think", "ing>", "Yes. ", "</", "\n"])
    ),
    st.integers(1, 7),
)
def test_pieces_show_what_the_whole_shows(parts: list[str], size: int) -> None:
    text = "".join(parts)
    thoughts = ReasoningFilter()

    shown = "".join(
        thoughts.leave_out(text[start : start + size]) for start in range(0, len(text), size)
    )

    # The filter holds back text that may still become a tag.
    held = without_reasoning(text).removeprefix(shown)
    assert without_reasoning(text).startswith(shown)
    assert "<thinking>".startswith(held)
