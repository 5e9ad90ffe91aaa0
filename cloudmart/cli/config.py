"""`cloudmart config`: the settings that the process would read, and what is wrong with them."""

import json
import os
import sys
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloudmart.cli.command_settings import (
    EXIT_CONFIGURATION,
    EXIT_FAILED,
    load_what_can_be_read,
)
from cloudmart.settings import Loaded, why_disabled
from cloudmart.settings.load import for_serving
from cloudmart.settings.reference import settings_page
from cloudmart.settings.report import (
    SettingFault,
    SettingReading,
    SettingState,
    refusal,
    secret_digest,
)

_COLOURS = {SettingState.OK: "green", SettingState.DEFAULT: "dim", SettingState.OBSOLETE: "yellow"}

_WIDE = 160
_UNDECIDED = "All settings are correct, but `cloudmart serve` refuses to start until AUTH is set.\n"


def as_table(loaded: Loaded) -> Table:
    """Return a table with a row for every setting."""
    table = Table("Variable", "Value", "Source", "State", box=None, pad_edge=False)
    for reading in loaded.report.readings:
        colour = _COLOURS.get(reading.state, "bold red")
        table.add_row(
            reading.name,
            Text(_value(reading), overflow="fold"),
            Text(reading.origin, overflow="fold"),
            Text(reading.state, style=colour),
        )
    return table


def as_document(loaded: Loaded, *, starts: bool = False) -> dict[str, Any]:
    """Return the same for programs, with the faults, the ways in and the optional providers."""
    access = loaded.settings.access
    return {
        "environment": loaded.settings.environment,
        "starts": starts,
        "settings": [_row(reading) for reading in loaded.report.readings],
        "refused": [_fault(fault) for fault in loaded.report.refusals],
        "tolerated": [_fault(fault) for fault in loaded.report.tolerated],
        "unknown": [
            {"variable": each.name, "problem": each.sentence, "source": each.origin}
            for each in loaded.report.misspelt
        ],
        "access": {
            "auth": access.ways or ["off"],
            "customerOrders": "signed-in" if access.signed_in else "open",
        },
        "disabled": {
            provider: reason for provider, reason in why_disabled(loaded.settings).items() if reason
        },
    }


def _row(reading: SettingReading) -> dict[str, Any]:
    secret = reading.variable.secret
    return {
        "variable": reading.name,
        "value": None if secret else _plain(reading.value),
        **({"digest": _digest(reading)} if secret else {}),
        "source": reading.origin,
        "state": reading.state,
    }


def _value(reading: SettingReading) -> str:
    if (secret := _digest(reading)) is not None:
        return f"set ({secret})"
    return _plain(reading.value) or "unset"


def _digest(reading: SettingReading) -> str | None:
    value = reading.value
    return secret_digest(reading.variable.name, value) if isinstance(value, SecretStr) else None


def _plain(value: object) -> str | None:
    if value is None or value == ():
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fault(fault: SettingFault) -> dict[str, str]:
    return {
        "variable": fault.name,
        "problem": fault.what,
        "right": fault.variable.right,
        "source": fault.origin,
    }


def config(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page docs/configuration.md instead.")
    ] = False,
) -> None:
    """Show every setting: its value, its source, its state.

    Secrets are shown as set or unset and a digest. Exits with 78 if a setting is wrong, with 1 if
    the secret that CLOUDMART_SECRET_ID names cannot be read, else with 0.
    """
    if as_markdown:
        sys.stdout.write(settings_page())
        return
    loaded, unread = load_what_can_be_read(os.environ)
    serving = loaded if unread else for_serving(loaded)
    if as_json:
        document = as_document(loaded, starts=not serving.report.refusals)
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        console = Console(width=None if sys.stdout.isatty() else _WIDE)
        console.print(as_table(loaded))
    if unread:
        sys.stderr.write(f"The secret cannot be read, so its settings are not shown. {unread}\n")
    sys.stderr.writelines(f"{each.sentence}\n" for each in loaded.report.misspelt)
    if loaded.report.refusals:
        sys.stderr.write(refusal(loaded.report.refusals))
        raise typer.Exit(EXIT_CONFIGURATION)
    if unread:
        raise typer.Exit(EXIT_FAILED)
    if serving.report.refusals:
        sys.stderr.write(_UNDECIDED)
