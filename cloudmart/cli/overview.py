"""The settings as a person or a program may see them: no secret in it."""

from typing import Any

from pydantic import SecretStr
from rich.table import Table
from rich.text import Text

from cloudmart.settings import Loaded, why_disabled
from cloudmart.settings.disclosure import digest
from cloudmart.settings.report import Fault, Reading, State

_COLOURS = {State.OK: "green", State.DEFAULT: "dim", State.OBSOLETE: "yellow"}


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


def _row(reading: Reading) -> dict[str, Any]:
    secret = reading.variable.secret
    return {
        "variable": reading.name,
        "value": None if secret else _plain(reading.value),
        **({"digest": _digest(reading)} if secret else {}),
        "source": reading.origin,
        "state": reading.state,
    }


def _value(reading: Reading) -> str:
    if (secret := _digest(reading)) is not None:
        return f"set ({secret})"
    return _plain(reading.value) or "unset"


def _digest(reading: Reading) -> str | None:
    value = reading.value
    return digest(reading.variable.name, value) if isinstance(value, SecretStr) else None


def _plain(value: object) -> str | None:
    if value is None or value == ():
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fault(fault: Fault) -> dict[str, str]:
    return {
        "variable": fault.name,
        "problem": fault.what,
        "right": fault.variable.right,
        "source": fault.origin,
    }
