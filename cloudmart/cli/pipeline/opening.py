"""Opens the pipeline for a command, and explains what fails."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console

from cloudmart.cli.data_store_errors import OF_AWS, explain_misconfiguration, explanation
from cloudmart.dynamodb.client import Database
from cloudmart.errors import CloudmartError
from cloudmart.health.aws_environment import open_for_command
from cloudmart.health.causes import DependencyError
from cloudmart.pipeline.opening import Pipeline, open_pipeline
from cloudmart.pipeline.unknown import UnknownError, why_of_aws
from cloudmart.settings import Settings
from cloudmart.values.timestamp import now

T = TypeVar("T")

EXIT_AWAY = 69
"""sysexits.h calls it EX_UNAVAILABLE: something that the command needs does not work."""

_PATIENCE = 120.0
_PIPE_WIDTH = 200

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,6})([mhdw])")


class UnreachableError(Exception):
    """What a command needs is not available; the sentence says why."""


@asynccontextmanager
async def open_pipeline_for_command(
    settings: Settings, patience: float = _PATIENCE
) -> AsyncIterator[Pipeline]:
    """Give the pipeline; a question to BigQuery may take so many seconds."""
    session = await open_for_command(settings.aws.region, os.environ)
    database = Database(session, within=settings.dynamodb.timeout)
    try:
        await database.open()
        async with open_pipeline(settings, session, database, patience=patience) as pipeline:
            yield pipeline
    finally:
        await database.close()


def run_pipeline_command(work: Callable[[], Awaitable[T]]) -> T:
    """Do a command's work; where something is away, end with exit code 69 and its reason."""

    async def working() -> T:
        return await work()

    try:
        return asyncio.run(working())
    except (UnknownError, UnreachableError) as error:
        _end(str(error))
    except CloudmartError as error:
        _end(explanation(error) if isinstance(error.__cause__, OF_AWS) else str(error))
    except DependencyError as error:
        _end(explanation(error))
    except OF_AWS as error:
        _end(
            explain_misconfiguration(error)
            or why_of_aws("DynamoDB", "dynamodb", error, "DYNAMODB_ORDERS_TABLE")
        )


def print_json(document: Any) -> None:  # noqa: ANN401 - any JSON
    """Print a document for programs."""
    typer.echo(json.dumps(document, indent=2))


def console(*, stderr: bool = False) -> Console:
    """Return a console for people; a pipe gets whole lines, and no colours."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else _PIPE_WIDTH)


def _end(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(EXIT_AWAY)


def parse_moment(text: str) -> datetime:
    """Return the moment a text means, in UTC unless it says otherwise."""
    if ago := _AGO.fullmatch(text.strip()):
        passed = timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            return now() - passed
        except OverflowError as error:
            raise typer.BadParameter("that is before the year 1") from error
    try:
        told = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter(
            "write it as 2026-11-23, 2026-11-23T08:00, or 36h, 7d, 2w"
        ) from error
    since = told if told.tzinfo else told.replace(tzinfo=UTC)
    if since > now():
        raise typer.BadParameter("it is in the future")
    return since


_OPTION = typer.Option(
    parser=parse_moment,
    metavar="WHEN",
    help="Orders created since: a day or a moment (UTC), or 36h, 7d, 2w.",
)
Since = Annotated[datetime, _OPTION]
PerhapsSince = Annotated[datetime | None, _OPTION]
