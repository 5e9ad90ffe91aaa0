"""Values that providers really send, against their own documentation.

Servers with OpenAI's API send a usage that is null, negative, fractional, a text or huge. vLLM
leaves it out of streams; LiteLLM sends null and floats. Every tokenizer that works on bytes makes
tokens that end inside an emoji.
"""

import gzip
from typing import Any

COUNTS: list[Any] = [None, -5, 1.5, "5", 10**12, 10**40, 1e300, float("nan"), True, [], {}, ""]
"""Numbers of tokens."""

DIGITS = 5000
"""A number with more digits than Python reads or writes."""

HALVES = ("Fine \ud83d", "\ude00!")
"""An emoji in two parts, as JSON escapes."""

JOINED = "Fine \N{GRINNING FACE}!"

LONE = ("Fine \ude00", "\ud83d")
"""Halves of emoji whose other half never arrives."""

REPLACED = "Fine \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"

NESTED = "[" * 50_000
"""Arguments that are nested deeper than any of our programs needs."""

BOMB = gzip.compress(bytes(64 * 1024**2))
"""64 MiB, compressed to 64 kB."""
