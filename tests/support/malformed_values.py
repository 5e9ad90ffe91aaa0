"""What providers really send in place of what they document.

Usage that is null, negative, fractional, a text or huge was seen of servers that speak OpenAI's API
(vLLM leaves it out of streams, LiteLLM sends null and floats); tokens that end inside an emoji come
of every tokenizer that works on bytes.
"""

import gzip
from typing import Any

COUNTS: list[Any] = [None, -5, 1.5, "5", 10**12, 10**40, 1e300, float("nan"), True, [], {}, ""]
"""Numbers of tokens."""

DIGITS = 5000
"""More than Python reads of a number, or writes."""

HALVES = ("Fine \ud83d", "\ude00!")
"""An emoji that is divided between two pieces, as JSON escapes carry it."""

JOINED = "Fine \N{GRINNING FACE}!"

LONE = ("Fine \ude00", "\ud83d")
"""Halves of emoji whose other halves never come."""

REPLACED = "Fine \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"

NESTED = "[" * 50_000
"""Arguments nested deeper than any program of ours goes."""

BOMB = gzip.compress(bytes(64 * 1024**2))
"""64 MiB in 64 kB."""
