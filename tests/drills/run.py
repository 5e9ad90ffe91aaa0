"""Runs a drill from its beginning to its end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cloudmart.findings.finding import CheckFinding
from tests.drills.drill import Drill
from tests.drills.faults import FAULTS, PREPARATIONS
from tests.drills.leaks import leaks_of
from tests.drills.recording import Recording, severity_of
from tests.drills.shop import DrilledShop, drilled_shop, shown

_WELL = 8
"""Scrapes before the fault."""
_ILL = 22
"""Scrapes during the fault: more minutes than any alert waits for."""


@dataclass(frozen=True, slots=True)
class DrillOutcome:
    """The result of a drill."""

    fired: list[str]
    found: list[CheckFinding]
    complaints: list[str]


def play(drill: Drill, directory: Path, say: Callable[[str], object]) -> DrillOutcome:
    """Start a shop, break it, and compare the result with what the drill expects."""
    say(f"{drill.name}: {drill.words} It is played {drill.played}.")
    prepare = PREPARATIONS.get(drill.name, lambda _: None)
    with drilled_shop(directory, prepare) as shop:
        recording = Recording(shop.url)
        say(f"The shop is at {shop.url}. {_WELL} minutes go by, a second each.")
        recording.scrape(_WELL)
        FAULTS[drill.name](shop)
        say(f"The fault is there. {_ILL} more minutes go by.")
        recording.scrape(_ILL)
        _show(shop, say)
        found = shop.diagnose()
        leaks = leaks_of(shop, recording.text, found)
    before = recording.fired(directory, range(_WELL))
    fired = recording.fired(directory, range(_WELL, _WELL + _ILL))
    for each in sorted(fired, key=lambda alert: alert != drill.cause):
        say(f"  fires  {each} ({severity_of(each)}): {drill.role_of(each)}")
    for finding in found:
        say(f"  doctor {finding.id}: {finding.observed[:160]}")
    complaints = drill.complaints(before, fired, [each.id for each in found], leaks)
    for each in complaints:
        say(f"  WRONG  {each}")
    return DrillOutcome(fired, found, complaints)


def _show(shop: DrilledShop, say: Callable[[str], object]) -> None:
    health = shop.health
    if health is None:
        say("  health does not answer")
        return
    say(f"  health {health['status']}")
    for name, checks in health["checks"].items():
        for check in checks:
            if check["status"] != "pass":
                say(f"         {name}: {check.get('output', '')}")
    for name, number in shop.collector.failed.most_common(5):
        say(f"  traces {name}: {number} of {shop.collector.spans[name]} failed")
    for line in shown(shop.log.getvalue()):
        say(f"  log    {line}")
