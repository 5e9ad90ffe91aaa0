"""`--since`: a day, a moment, or so long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cloudmart.values.timestamp import now

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,6})([mhdw])")


def moment(text: str) -> datetime:
    """Return the moment a text means, in UTC unless it says otherwise."""
    if ago := _AGO.fullmatch(text.strip()):
        passed = timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            return now() - passed
        except OverflowError as error:
            raise typer.BadParameter("that is before all times") from error
    try:
        told = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter("it is 2026-11-23, 2026-11-23T08:00, or 36h, 7d, 2w") from error
    since = told if told.tzinfo else told.replace(tzinfo=UTC)
    if since > now():
        raise typer.BadParameter("it is in the future")
    return since


_OPTION = typer.Option(
    parser=moment,
    metavar="WHEN",
    help="Orders created since: a day or a moment (UTC), or 36h, 7d, 2w.",
)
Since = Annotated[datetime, _OPTION]
PerhapsSince = Annotated[datetime | None, _OPTION]
