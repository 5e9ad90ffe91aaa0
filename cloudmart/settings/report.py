"""What was found while the settings were read: each value's state, each fault in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloudmart.settings.disclosure import masked
from cloudmart.settings.layers import Told
from cloudmart.settings.misspelt import Misspelt
from cloudmart.settings.platform import Provider
from cloudmart.settings.variables import Variable


class State(StrEnum):
    """What a setting's value is."""

    OK = "ok"
    DEFAULT = "default"
    PLACEHOLDER = "placeholder"
    MALFORMED = "malformed"
    MISSING = "missing"
    OBSOLETE = "obsolete"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the settings: which, what, and where it came from.

    `shown` is what the operator may see of the value; the public sees the sentence at most.
    """

    variable: Variable
    name: str
    state: State
    what: str
    origin: str
    shown: str | None = None
    client: Provider | None = None
    """Whose HTTP client it breaks, where it is no setting of a provider."""

    @classmethod
    def about(
        cls, variable: Variable, told: Told, what: str, state: State = State.MALFORMED
    ) -> "Fault":
        """Return what is wrong with a value that was told."""
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
class Reading:
    """One setting as it was read."""

    variable: Variable
    name: str
    value: Any
    origin: str
    state: State


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found: `refusals` stop the start, `tolerated` faults do not.

    `misspelt` are names that are no settings, though they may have been meant for one.
    """

    readings: tuple[Reading, ...]
    refusals: tuple[Fault, ...]
    tolerated: tuple[Fault, ...]
    misspelt: tuple[Misspelt, ...] = ()

    @property
    def obsolete(self) -> Iterator[Reading]:
        """The settings that are told and that nothing reads any more."""
        return (reading for reading in self.readings if reading.state is State.OBSOLETE)
