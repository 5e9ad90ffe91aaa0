"""Answers of providers are read as far as they make sense."""

import pytest

from cloudmart.ai.providers.bounded_response import Bounds, TooLargeError


def test_lines_are_measured_across_chunks() -> None:
    bounds = Bounds(longest_line=10)

    for chunk in (b"12345", b"67890", b"\n1234", b"5\n67890", b"12345\n", b"a\nb\n1234567890"):
        assert bounds.count(chunk) == chunk
    with pytest.raises(TooLargeError, match="line"):
        bounds.count(b"1")


@pytest.mark.parametrize("chunk", [b"12345678901", b"1\n12345678901\n2", b"1\n2\n12345678901"])
def test_a_line_that_is_too_long_is_refused_wherever_it_stands(chunk: bytes) -> None:
    with pytest.raises(TooLargeError, match="line"):
        Bounds(longest_line=10).count(chunk)
