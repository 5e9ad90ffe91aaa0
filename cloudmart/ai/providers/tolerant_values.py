"""Reads what providers send instead of what they document, so that it does no harm.

Numbers may be null, negative, fractional or huge, texts may be null or cut inside an emoji, and
JSON may be nested deeper than anything that reads it.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cloudmart.ai.ports import ToolSpec, Usage

DEEPEST = 32
"""Levels of nesting that are read: more than any tool's arguments or any answer has."""

MOST_PARTS = 50_000
"""Values of one answer that are kept: in memory each takes up to thirty times its bytes."""

LONGEST_ARGUMENTS = 100_000
"""Characters of a call's arguments that are read."""

LONGEST_ANSWER = 20_000
"""Characters of an answer that are kept: far more than any model was asked for."""

_NULL = "null"


def clean_text(value: object) -> str:
    """Return a text without halves of characters; anything but a text is an empty one."""
    if not isinstance(value, str):
        return ""
    if value.isascii():
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def bounded_parts() -> Iterator[int]:
    """Return the parts that one answer may have, to be taken by all that is read of it."""
    return iter(range(MOST_PARTS))


def clean_json(value: Any, left: Iterator[int] | None = None, levels: int = DEEPEST) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON with whole characters only; raise ValueError if it is too deep or has too much.

    `left` are the parts that may still be kept of an answer.
    """
    left = bounded_parts() if left is None else left
    if next(left, None) is None:
        raise ValueError("too many parts")
    if isinstance(value, str):
        return clean_text(value)
    if not isinstance(value, list | dict):
        return value
    if not levels:
        raise ValueError("nested too deep")
    if isinstance(value, list):
        return [clean_json(each, left, levels - 1) for each in value]
    return {clean_text(name): clean_json(each, left, levels - 1) for name, each in value.items()}


def parse_arguments(written: object) -> dict[str, Any] | None:
    """Return the arguments of a call that a model wrote as JSON, or None where they are none."""
    # Some servers send the object itself.
    value = written
    try:
        if isinstance(written, str):
            value = json.loads(written[:LONGEST_ARGUMENTS] or "{}")
        value = clean_json(value)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_usage(
    told: object, names: tuple[str, str], *, input_at_most: int, output_at_most: int
) -> Usage | None:
    """Return the two counts a provider tells under some names, or None where it tells neither.

    Neither can be more than the step could use: a count is taken for that at most.
    """
    counts = told if isinstance(told, dict) else {}
    read = read_count(counts.get(names[0]), input_at_most)
    written = read_count(counts.get(names[1]), output_at_most)
    return None if read is None and written is None else Usage(read, written)


def read_count(value: object, at_most: int) -> int | None:
    """Return a count as far as it can be one, None where it cannot."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return min(math.ceil(value), at_most) if value >= 0 else None


class BoundedText:
    """Gathers the pieces of an answer, as far as it is kept."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._length = 0
        self._half = ""

    @property
    def text(self) -> str:
        """Return what there is of the answer."""
        return clean_text("".join([*self._kept, self._half]))

    @property
    def full(self) -> bool:
        """Return whether nothing more of the answer is kept."""
        return self._length >= LONGEST_ANSWER

    def add(self, piece: object) -> str:
        """Take a piece in; return what may be shown of it and of what was held back."""
        if not isinstance(piece, str) or self.full:
            return ""
        whole = (self._half + piece)[: LONGEST_ANSWER - self._length]
        # The other half comes with the next piece.
        self._half = whole[-1] if whole and "\ud800" <= whole[-1] <= "\udbff" else ""
        shown = clean_text(whole.removesuffix(self._half))
        self._kept.append(shown)
        self._length += len(shown)
        return shown


def plain_schema(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a strict schema in the plain form: what may be null may be left out instead."""
    properties = parameters.get("properties", {})
    return {
        "type": "object",
        "properties": {name: _without_null(schema) for name, schema in properties.items()},
        "required": [name for name, schema in properties.items() if not _nullable(schema)],
    }


def strict_arguments(name: str, given: Mapping[str, Any], tools: Sequence[ToolSpec]) -> str:
    """Return the arguments of a call in the strict form: null for what was left out."""
    absent: dict[str, Any] = {}
    for tool in tools:
        if tool.name == name:
            properties = tool.parameters.get("properties", {})
            absent = {each: None for each, schema in properties.items() if _nullable(schema)}
    return json.dumps(absent | dict(given))


def _nullable(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    return (isinstance(kinds, list) and _NULL in kinds) or any(
        choice.get("type") == _NULL for choice in schema.get("anyOf", ())
    )


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    plain = dict(schema)
    if isinstance(plain.get("type"), list):
        kinds = [kind for kind in plain["type"] if kind != _NULL]
        plain["type"] = kinds[0] if len(kinds) == 1 else kinds
    if "anyOf" in plain:
        choices = [choice for choice in plain["anyOf"] if choice.get("type") != _NULL]
        if len(choices) == 1:
            del plain["anyOf"]
            plain |= choices[0]
        else:
            plain["anyOf"] = choices
    return plain
