"""The lines of the deployment checklist, and the phase that each is part of."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from cloudmart.findings.catalogue import FindingEntry

_FILE = Path(__file__).parent / "checklist.toml"


class Phase(StrEnum):
    """The phase of a release in which a check runs."""

    PRE = "pre"
    DURING = "during"
    POST = "post"


_PARTS = {
    Phase.PRE: ("before", "assistants"),
    Phase.DURING: ("during",),
    Phase.POST: ("during", "after", "assistants"),
}


@dataclass(frozen=True, slots=True)
class ChecklistLine:
    """One line: the part of the checklist that it is in, its words, the command that runs it."""

    id: str
    phase: str
    text: str
    command: str


@cache
def checklist() -> dict[str, ChecklistLine]:
    """Return the lines by their ids, in their order."""
    lines = tomllib.loads(_FILE.read_text("utf-8"))
    return {key: ChecklistLine(id=key, **words) for key, words in lines.items()}


def in_phase(entry: FindingEntry, phase: Phase | None) -> bool:
    """Return whether a finding is looked for in a phase; all are where none is chosen."""
    return phase is None or checklist()[entry.line].phase in _PARTS[phase]
