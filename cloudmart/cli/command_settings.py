"""The settings of a command: read from every source, or refused with a message."""

import asyncio
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NoReturn, TypeVar

import structlog

from cloudmart.cli.data_store_errors import told
from cloudmart.health.aws_environment import open_for_command
from cloudmart.health.causes import DependencyError
from cloudmart.health.secrets_manager import SecretStore
from cloudmart.observability.logging import (
    TERMINATION_LOG,
    configure_logging,
    write_termination_message,
)
from cloudmart.settings import Loaded, LogFormat, LogSettings, Settings, load_settings
from cloudmart.settings.misspelt import Misspelt
from cloudmart.settings.report import Report, refusal

T = TypeVar("T")

DOTENV = Path(".env")
EXIT_FAILED = 1
EXIT_CONFIGURATION = 78
"""sysexits.h calls it EX_CONFIG: the settings are wrong, and another try changes nothing."""

_TABLES = ("aws", "dynamodb")
_PIPELINE = (*_TABLES, "bigquery", "pipeline")
_log = structlog.get_logger(__name__)


def settings_for_command(
    environ: Mapping[str, str], *, termination_log: Path = TERMINATION_LOG
) -> Settings:
    """Return the settings, with their warnings logged; end the process if they are refused."""
    return exit_on_refusals(_loaded(environ, termination_log), termination_log)


def exit_on_refusals(loaded: Loaded, termination_log: Path = TERMINATION_LOG) -> Settings:
    """Return settings that were read, with their warnings logged; end the process on refusals."""
    if loaded.report.refusals:
        _end(refusal(loaded.report.refusals), EXIT_CONFIGURATION, termination_log)
    log_warnings(loaded.report)
    return loaded.settings


def settings_for_tables(
    environ: Mapping[str, str], *, termination_log: Path = TERMINATION_LOG
) -> Settings:
    """Return the settings for a command that uses the tables alone.

    The process ends if a setting of the tables is wrong, in any environment: without a name the
    command would use another table. Other wrong settings do not stop it.
    """
    return _configured_for(_TABLES, environ, termination_log)


def settings_for_pipeline(
    environ: Mapping[str, str], *, termination_log: Path = TERMINATION_LOG
) -> Settings:
    """Return the settings for a command about the pipeline, refused as those for tables are."""
    return _configured_for(_PIPELINE, environ, termination_log)


def _configured_for(
    groups: Collection[str], environ: Mapping[str, str], termination_log: Path
) -> Settings:
    loaded = _loaded(environ, termination_log)
    found = (*loaded.report.refusals, *loaded.report.tolerated)
    if faults := [fault for fault in found if fault.variable.group in groups]:
        _end(refusal(faults), EXIT_CONFIGURATION, termination_log)
    # It may be a table's name, and then the command would use another table.
    for each in loaded.report.misspelt:
        _warn_of(each)
    return loaded.settings


def load_with_secret(environ: Mapping[str, str]) -> Loaded:
    """Return the settings with the secret they name read in one try, or raise DependencyError."""
    loaded = load_settings(environ, dotenv=DOTENV)
    if (secret_id := loaded.settings.sources.secret_id) is None:
        return loaded
    try:
        text = asyncio.run(_read(secret_id, loaded.settings.aws.region, environ))
    except DependencyError:
        # A setting that is wrong, such as the region, may be why.
        if loaded.report.refusals:
            return loaded
        raise
    return load_settings(environ, text, dotenv=DOTENV)


async def _read(secret_id: str, region: str | None, environ: Mapping[str, str]) -> str:
    session = await open_for_command(region, environ)
    return (await SecretStore(session, secret_id, environ).read()).text


def load_what_can_be_read(environ: Mapping[str, str]) -> tuple[Loaded, str | None]:
    """Return the settings, and why those of the secret are not among them if they are not."""
    try:
        return load_with_secret(environ), None
    except DependencyError as error:
        return load_settings(environ, dotenv=DOTENV), told(error)


def log_warnings(report: Report, before: Report | None = None) -> None:
    """Log what is wrong or obsolete and does not stop the start, an event each.

    What an earlier report held has been logged.
    """
    old = before or Report((), (), ())
    for fault in _new(report.tolerated, old.tolerated):
        _log.warning("setting_wrong", variable=fault.name, problem=fault.what, source=fault.origin)
    for each in _new(report.misspelt, old.misspelt):
        _warn_of(each)
    for reading in _new(report.obsolete, old.obsolete):
        reason = reading.variable.obsolete
        _log.warning("setting_obsolete", variable=reading.name, reason=reason)


def _warn_of(misspelt: Misspelt) -> None:
    _log.warning(
        "setting_unknown",
        variable=misspelt.name,
        problem=misspelt.sentence,
        source=misspelt.origin,
    )


def _new(found: Iterable[T], before: Iterable[T]) -> list[T]:
    known = list(before)
    return [each for each in found if each not in known]


def _loaded(environ: Mapping[str, str], termination_log: Path) -> Loaded:
    try:
        return load_with_secret(environ)
    except DependencyError as error:
        message = f"CloudMart does not start: its secret cannot be read. {told(error)}\n"
        _end(message, EXIT_FAILED, termination_log)


def _end(message: str, code: int, termination_log: Path) -> NoReturn:
    sys.stderr.write(message)
    write_termination_message(message, termination_log)
    raise SystemExit(code)


def log_as_told(settings: LogSettings, default: LogFormat | None = None) -> None:
    """Log as settings say; where they name no format, in the default, or as stderr is."""
    usual = default or (LogFormat.CONSOLE if sys.stderr.isatty() else LogFormat.JSON)
    form = settings.format or usual
    configure_logging(json=form is LogFormat.JSON, level=settings.level.number)
