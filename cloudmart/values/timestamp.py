"""Times: aware in code, stored and sent as JavaScript's `toISOString` writes them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for an unknown time when items are sorted by time."""


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


def read_time(value: object) -> datetime | None:
    """Return the time that a stored value is shown as, or None where it is none."""
    try:
        return _times.validate_python(value)
    except ValidationError:
        return None


def _known(moment: datetime | None) -> datetime | None:
    return None if moment == UNKNOWN else moment


_times = TypeAdapter[datetime](Timestamp)

Created = Annotated[
    Timestamp | None,
    AfterValidator(_known),
    Field(description="When it was made; null if unknown."),
]
Updated = Annotated[Timestamp | None, Field(description="When it last changed; null if unknown.")]
