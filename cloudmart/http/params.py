"""Parameters that many routes share."""

from typing import Any

from fastapi import Path

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
