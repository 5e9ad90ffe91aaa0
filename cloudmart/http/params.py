"""Parameters that many routes share."""

from typing import Any
from urllib.parse import parse_qsl

from fastapi import Path, Request

from cloudmart.values.text import NO_NUL


def path_id(example: str) -> Any:  # noqa: ANN401 - FastAPI's own type of a parameter
    """Return an item's id in the path; the example is one of the sample data."""
    return Path(
        min_length=1,
        max_length=255,
        pattern=NO_NUL,
        description="The item's id.",
        openapi_examples={"sample": {"summary": "Of the sample data", "value": example}},
    )


def with_plus(request: Request, name: str) -> str:
    """Return a parameter of the query in which a `+` is a `+`.

    Forms mean a space by it, and so does FastAPI. A page that does not encode what it sends means
    the letter.
    """
    query = request.scope["query_string"].decode("latin-1").replace("+", "%2B")
    values = [value for key, value in parse_qsl(query, keep_blank_values=True) if key == name]
    return values[-1] if values else ""
