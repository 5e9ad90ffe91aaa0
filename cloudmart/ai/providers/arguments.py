"""Arguments of tools for providers that do not speak the strict form of JSON schemas."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cloudmart.ai.ports import ToolSpec

_NULL = "null"


def loose(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a strict schema in the plain form: what may be null may be left out instead."""
    properties = parameters.get("properties", {})
    return {
        "type": "object",
        "properties": {name: _without_null(schema) for name, schema in properties.items()},
        "required": [name for name, schema in properties.items() if not _nullable(schema)],
    }


def complete(name: str, given: Mapping[str, Any], tools: Sequence[ToolSpec]) -> str:
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
