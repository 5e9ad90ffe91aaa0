"""What providers send instead of what they document: read so that it harms nobody.

Numbers may be null, negative, fractional or huge, texts may be null or cut inside an emoji, and
JSON may be nested deeper than anything that reads it.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

from cloudmart.ai.ports import Usage

DEEPEST = 32
"""Levels of nesting that are read: more than any tool's arguments or any answer has."""

MOST_PARTS = 50_000
"""Values of one answer that are kept: in memory each takes up to thirty times its bytes."""

LONGEST_ARGUMENTS = 100_000
"""Characters of a call's arguments that are read."""


def text(value: object) -> str:
    """Return a text without halves of characters; anything but a text is an empty one."""
    if not isinstance(value, str):
        return ""
    if value.isascii():
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def parts() -> Iterator[int]:
    """Return the parts that one answer may have, to be taken by all that is read of it."""
    return iter(range(MOST_PARTS))


def clean(value: Any, left: Iterator[int] | None = None, levels: int = DEEPEST) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON with whole characters only; raise ValueError if it is too deep or has too much.

    `left` are the parts that may still be kept of an answer.
    """
    left = parts() if left is None else left
    if next(left, None) is None:
        raise ValueError("too many parts")
    if isinstance(value, str):
        return text(value)
    if not isinstance(value, list | dict):
        return value
    if not levels:
        raise ValueError("nested too deep")
    if isinstance(value, list):
        return [clean(each, left, levels - 1) for each in value]
    return {text(name): clean(each, left, levels - 1) for name, each in value.items()}


def arguments(written: object) -> dict[str, Any] | None:
    """Return the arguments of a call that a model wrote as JSON, or None where they are none."""
    # Some servers send the object itself.
    value = written
    try:
        if isinstance(written, str):
            value = json.loads(written[:LONGEST_ARGUMENTS] or "{}")
        value = clean(value)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def usage(
    told: object, names: tuple[str, str], *, input_at_most: int, output_at_most: int
) -> Usage | None:
    """Return the two counts a provider tells under some names, or None where it tells neither.

    Neither can be more than the step could use: a count is taken for that at most.
    """
    counts = told if isinstance(told, dict) else {}
    read = count(counts.get(names[0]), input_at_most)
    written = count(counts.get(names[1]), output_at_most)
    return None if read is None and written is None else Usage(read, written)


def count(value: object, at_most: int) -> int | None:
    """Return a count as far as it can be one, None where it cannot."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return min(math.ceil(value), at_most) if value >= 0 else None
