"""What was found while the settings were read: each value's state, and each fault."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import SecretStr

from cloudmart.settings.misspelt import Misspelt
from cloudmart.settings.platform import Provider
from cloudmart.settings.sources import SourceValue
from cloudmart.settings.variables import Variable

_MOST = 80
_CREDENTIALS = re.compile(
    r"(?<=://)[^/@\s]*(?=@)"  # a URL's user and password
    r"|\b(?:sk-|AKIA|ASIA|gh[opsu]_)[\w-]+"  # keys known by how they begin
    r"|[A-Za-z0-9+=]{24,}"  # what is random enough to be one
)

_HINT = "`cloudmart config` lists every setting; docs/configuration.md explains them."
_WAY_OUT = "DEGRADED_START=true starts with the optional providers named here disabled."


def masked(value: str) -> str:
    """Return a value without what could be a secret that was put in the wrong place."""
    hidden = _CREDENTIALS.sub("…", value)
    return hidden if len(hidden) <= _MOST else f"{hidden[:_MOST]}…"


def secret_digest(name: str, secret: SecretStr) -> str:
    """Return eight characters that tell two values of one secret apart, and give neither away.

    The same on every replica, so that pods can be compared. Slow on purpose, and salted with the
    setting's name: two settings of one value show different digests.
    """
    salt = f"cloudmart/{name}".encode()
    key = hashlib.pbkdf2_hmac("sha256", secret.get_secret_value().encode(), salt, 100_000)
    return key.hex()[:8]


class SettingState(StrEnum):
    """What a setting's value is."""

    OK = "ok"
    DEFAULT = "default"
    PLACEHOLDER = "placeholder"
    MALFORMED = "malformed"
    MISSING = "missing"
    OBSOLETE = "obsolete"


@dataclass(frozen=True, slots=True)
class SettingFault:
    """One thing wrong with the settings: which, what, and where it came from.

    `shown` is what the operator may see of the value; the public sees the sentence at most.
    """

    variable: Variable
    name: str
    state: SettingState
    what: str
    origin: str
    shown: str | None = None
    client: Provider | None = None
    """Whose HTTP client it breaks, where it is no setting of a provider."""

    @classmethod
    def about(
        cls,
        variable: Variable,
        told: SourceValue,
        what: str,
        state: SettingState = SettingState.MALFORMED,
    ) -> "SettingFault":
        """Return a sentence about the fault of a value."""
        secret = f"{len(told.value)} characters"
        shown = secret if variable.secret else repr(masked(told.value))
        return cls(variable, told.name, state, what, told.origin, shown)

    @property
    def provider(self) -> Provider | None:
        """The optional provider it concerns, if it concerns one."""
        return self.client or self.variable.provider

    @property
    def sentence(self) -> str:
        """What is wrong, in one sentence without the value."""
        return f"{self.name} {self.what}."


@dataclass(frozen=True, slots=True)
class SettingReading:
    """One setting as it was read."""

    variable: Variable
    name: str
    value: Any
    origin: str
    state: SettingState


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found: `refusals` stop the start, `tolerated` faults do not.

    `misspelt` are names that are no settings, though they may have been meant for one.
    """

    readings: tuple[SettingReading, ...]
    refusals: tuple[SettingFault, ...]
    tolerated: tuple[SettingFault, ...]
    misspelt: tuple[Misspelt, ...] = ()

    @property
    def obsolete(self) -> Iterator[SettingReading]:
        """The settings that have a value and that nothing reads any more."""
        return (reading for reading in self.readings if reading.state is SettingState.OBSOLETE)


def refusal(faults: Sequence[SettingFault]) -> str:
    """Return the message on some faults that stop the start."""
    # A fault that breaks several clients is reported once.
    faults = list({(fault.name, fault.what): fault for fault in reversed(faults)}.values())[::-1]
    count = "1 setting is wrong" if len(faults) == 1 else f"{len(faults)} settings are wrong"
    optional = any(fault.provider for fault in faults)
    lines = [f"CloudMart does not start: {count}.", *map(_told, faults)]
    return "\n".join([*lines, "", _HINT, *([_WAY_OUT] if optional else [])]) + "\n"


def _told(fault: SettingFault) -> str:
    shown = f" ({fault.shown})" if fault.shown else ""
    return (
        f"\n  {fault.name} {fault.what}{shown}.\n"
        f"    right: {fault.variable.right}\n"
        f"    from:  {fault.origin}"
    )
