"""Times: aware in code, stored and sent as JavaScript's `toISOString` writes them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, PlainSerializer, WithJsonSchema


def stamp(moment: datetime) -> str:
    """Write a time as `2026-11-23T08:00:00.000Z`: one form only, so that stored times sort."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_of(text: object) -> str | None:
    """Return the UTC day of a stored time, or None for what is not a time of the one form."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return text[:10] if stamp(moment) == text else None
    except (ValueError, OverflowError):
        return None


def now() -> datetime:
    """Return the current time to the millisecond, which is all that is stored."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        msg = "a time between the years 1 and 9999 is needed"
        raise ValueError(msg) from error


Timestamp = Annotated[
    AwareDatetime,
    AfterValidator(_in_utc),
    PlainSerializer(stamp, return_type=str),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-11-23T08:00:00.000Z"]}
    ),
]
Created = Annotated[Timestamp | None, Field(description="When it was made; null if unknown.")]
Updated = Annotated[Timestamp | None, Field(description="When it last changed; null if unknown.")]
