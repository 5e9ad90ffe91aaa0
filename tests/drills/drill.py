"""The table of the drills."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TABLE = Path(__file__).with_name("drills.toml")

UNJUDGED = (
    "CloudMartBrowsingSlow",
    "CloudMartCatalogueStale",
    "CloudMartChatsSlow",
    "CloudMartCostUnknown",
    "CloudMartEventLoopLags",
    "CloudMartOrderingSlow",
    "CloudMartOrdersLate",
    "CloudMartPipelineLags",
    "CloudMartServiceSlow",
)
"""Alerts that a busy machine may raise by itself, and one for OpenAI's fake, which has no price."""


@dataclass(frozen=True, slots=True)
class Drill:
    """A fault, and its expected alerts."""

    name: str
    words: str
    played: str
    cause: str
    may_follow: Sequence[str]
    finding: str
    ci: bool = False

    def role_of(self, alert: str) -> str:
        """Return what an alert that fires is to this drill."""
        if alert == self.cause:
            return "the cause"
        if alert in self.may_follow:
            return "may follow"
        return "not judged here" if alert in UNJUDGED else "not listed"

    def complaints(
        self,
        before: Sequence[str],
        fired: Sequence[str],
        found: Sequence[str],
        leaks: Sequence[str],
    ) -> list[str]:
        """Return the differences from what is expected, each as a sentence."""
        allowed = {self.cause, *self.may_follow, *UNJUDGED}
        said = [f"{each} fired before the fault." for each in before if each not in UNJUDGED]
        if self.cause not in fired:
            said.append(f"{self.cause} did not fire.")
        said += [
            f"{each} fired, and the drill does not list it."
            for each in fired
            if each not in allowed
        ]
        if self.finding not in found:
            said.append(f"cloudmart doctor does not name {self.finding}.")
        return [*said, *leaks]


def drills() -> dict[str, Drill]:
    """Return every drill, by its name."""
    table = tomllib.loads(_TABLE.read_text("utf-8"))
    return {name: Drill(name, **told) for name, told in table.items()}
