"""Arguments are converted between the strict form of a schema and the plain one."""

from cloudmart.ai.ports import ToolSpec
from cloudmart.ai.providers.tolerant_values import plain_schema, strict_arguments

STRICT = {
    "type": "object",
    "title": "Arguments",
    "properties": {
        "query": {"type": "string"},
        "limit": {"type": ["integer", "null"], "minimum": 1},
        "sort": {"anyOf": [{"enum": ["price"]}, {"type": "null"}], "description": "How."},
        "size": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        "mark": {"type": ["integer", "string", "null"]},
    },
    "required": ["query", "limit", "sort", "size", "mark"],
    "additionalProperties": False,
}
TOOL = ToolSpec("search", "", STRICT)


def test_what_may_be_null_may_be_left_out_instead() -> None:
    assert plain_schema(STRICT) == {
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "limit": {"type": "integer", "minimum": 1},
            "sort": {"enum": ["price"], "description": "How."},
            "size": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "mark": {"type": ["integer", "string"]},
        },
        "required": ["query"],
    }


def test_what_was_left_out_is_null() -> None:
    assert strict_arguments("search", {"query": "lamp", "limit": 3}, [TOOL]) == (
        '{"limit": 3, "sort": null, "size": null, "mark": null, "query": "lamp"}'
    )


def test_what_must_be_there_is_not_made_up() -> None:
    assert "query" not in strict_arguments("search", {}, [TOOL])


def test_arguments_of_an_unknown_tool_stay_as_they_are() -> None:
    assert strict_arguments("unknown", {"a": 1}, [TOOL]) == '{"a": 1}'
