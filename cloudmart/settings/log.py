"""Settings of the log."""

import logging
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from cloudmart.settings.formats import SettingsGroup


class LogLevel(StrEnum):
    """The lowest level of the lines that are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def number(self) -> int:
        """Return the standard library's number for it."""
        return logging.getLevelNamesMapping()[self.name]


class LogFormat(StrEnum):
    """The form of a log line."""

    JSON = "json"
    CONSOLE = "console"


def _lower(value: Any) -> Any:  # noqa: ANN401 - whatever the environment says
    # Many write these names in capitals, and may have set them for another program.
    return value.lower() if isinstance(value, str) else value


class LogSettings(SettingsGroup):
    """The log."""

    level: Annotated[LogLevel, BeforeValidator(_lower)] = Field(
        LogLevel.INFO,
        validation_alias="LOG_LEVEL",
        description="The least level that is logged: `debug`, `info`, `warning` or `error`.",
        examples=["warning"],
    )
    format: Annotated[LogFormat | None, BeforeValidator(_lower)] = Field(
        None,
        validation_alias="LOG_FORMAT",
        description="`json` for machines, `console` for people. Unset means `console` on a "
        "terminal, else `json`.",
        examples=["json"],
    )
    reads: float = Field(
        0,
        validation_alias="LOG_READS",
        ge=0,
        le=1,
        description="The share of successful, fast reads that get a line in the log. Writes, "
        "refusals, errors and requests of a second or more always get one, and probes never do.",
        examples=["0.01"],
    )
