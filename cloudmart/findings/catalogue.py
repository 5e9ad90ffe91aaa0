"""The catalogue of findings: every id with its words, read from a data file."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cloudmart.findings.finding import CheckFinding, CheckStatus

_PAGE = "docs/findings.md"


@dataclass(frozen=True, slots=True)
class FindingEntry:
    """What is known of a finding before anything is looked at.

    `text` is what holds where all is well. Words in braces, in `why` and `fix`, are filled in
    with what a check has seen. `severity` is the status where it does not hold. `line` names the
    line of the checklist that it belongs to.
    """

    id: str
    area: str
    severity: CheckStatus
    text: str
    why: str
    fix: str
    line: str = ""
    page: str = ""

    @property
    def docs(self) -> str:
        """The page that describes it."""
        return f"{_PAGE}#{self.id}"

    def finding(
        self,
        status: CheckStatus,
        observed: str = "",
        facts: Mapping[str, str] | None = None,
        *,
        why: str = "",
        fix: str = "",
    ) -> CheckFinding:
        """Return a finding of this id; `why` and `fix` are those of the catalogue if not given."""
        known = facts or {}
        told = status in {CheckStatus.WARN, CheckStatus.FAIL}
        return CheckFinding(
            self.id,
            self.area,
            status,
            observed,
            (why or _filled(self.why, known)) if told else "",
            (fix or _filled(self.fix, known)) if told else fix,
            self.docs,
        )


@dataclass(frozen=True, slots=True)
class FindingCatalogue:
    """All findings of a command, in the order in which they are shown."""

    entries: Mapping[str, FindingEntry] = field(default_factory=dict)

    def __getitem__(self, key: str) -> FindingEntry:
        return self.entries[key]

    def __contains__(self, key: object) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[FindingEntry]:
        return iter(self.entries.values())

    @property
    def areas(self) -> list[str]:
        """The areas, in their order."""
        return list(dict.fromkeys(each.area for each in self))


def read_catalogue(file: Path) -> FindingCatalogue:
    """Return the catalogue that a TOML file holds: a table `[area.id]` for each finding.

    Raises:
        ValueError: an id is there twice, or a finding lacks one of its words.
    """
    entries: dict[str, FindingEntry] = {}
    for area, found in tomllib.loads(file.read_text("utf-8")).items():
        for key, words in found.items():
            if key in entries:
                raise ValueError(f"{key} is twice in {file.name}")
            entries[key] = _entry(key, area, words)
    return FindingCatalogue(entries)


def _entry(key: str, area: str, words: Mapping[str, str]) -> FindingEntry:
    told = {name: " ".join(text.split()) for name, text in words.items()}
    severity = CheckStatus(told.pop("severity", "fail"))
    try:
        return FindingEntry(id=key, area=area, severity=severity, **told)
    except TypeError as error:
        raise ValueError(f"{key}: {error}") from error


def _filled(text: str, facts: Mapping[str, str]) -> str:
    """Return a text with what is known filled in; the rest shows what is to be filled in."""
    return re.sub(
        r"\{(\w+)\}", lambda name: facts.get(name[1], f"<{name[1].replace('_', '-')}>"), text
    )
