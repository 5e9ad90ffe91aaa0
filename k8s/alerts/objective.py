"""The promises to customers in slos.toml, and how the failing share of each is measured."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from k8s.kustomize import ROOT

TABLE = ROOT / "monitoring" / "slos.toml"
_REQUESTS = "cloudmart_http_request_duration_seconds"
_CHATS = "cloudmart_chat_turns_total"


@dataclass(frozen=True, slots=True)
class Objective:
    """A service level objective: the share that must succeed, and the name of its alert."""

    name: str
    alert: str
    words: str
    hits: str
    share: float
    measure: "RequestShare | ChatShare | GaugeShare"
    failures: int = 0

    @property
    def budget(self) -> float:
        """Return the share that may fail."""
        return round(1 - self.share, 6)


@dataclass(frozen=True, slots=True)
class RequestShare:
    """Requests to some routes: those that fail, or those that also take too long."""

    methods: str
    routes: Sequence[str]
    seconds: float | None = None
    unit: ClassVar[str] = "all requests"

    @property
    def _chosen(self) -> str:
        routes = "|".join(re.escape(each).replace("\\", "\\\\") for each in self.routes)
        return f'method=~"{self.methods}", route=~"{routes}"'

    def all(self, window: str) -> str:
        """Return the requests that count, in each namespace."""
        # A slow error counts as an error, and not also as slow.
        well = "" if self.seconds is None else ', status!~"5.."'
        return _sum(f"{_REQUESTS}_count", f"{self._chosen}{well}", window)

    def bad(self, window: str) -> str:
        """Return the requests that broke the promise."""
        if self.seconds is None:
            return _sum(f"{_REQUESTS}_count", f'{self._chosen}, status=~"5.."', window)
        quick = f'{self._chosen}, status!~"5..", le="{float(self.seconds)}"'
        return f"({self.all(window)} - {_sum(f'{_REQUESTS}_bucket', quick, window)})"


@dataclass(frozen=True, slots=True)
class ChatShare:
    """Messages to assistants that ended badly."""

    outcomes: Sequence[str]
    ignored: Sequence[str]
    unit: ClassVar[str] = "all messages"

    def all(self, window: str) -> str:
        """Return the messages that count, in each namespace."""
        return _sum(_CHATS, f'outcome!~"{"|".join(self.ignored)}"', window)

    def bad(self, window: str) -> str:
        """Return the messages that broke the promise."""
        return _sum(_CHATS, f'outcome=~"{"|".join(self.outcomes)}"', window)


@dataclass(frozen=True, slots=True)
class GaugeShare:
    """Minutes in which a measured time was too long."""

    gauge: str
    looked_at: str
    seconds: float
    unit: ClassVar[str] = "all minutes"

    def share(self, window: str) -> str:
        """Return the share of bad minutes, in each namespace."""
        known = f"{self.gauge} and time() - {self.looked_at} < 900"
        late = f"max by (namespace) ({known}) > bool {self.seconds:g}"
        return f"avg_over_time(({late})[{window}:1m])"


def _sum(series: str, chosen: str, window: str) -> str:
    return f"sum by (namespace) (increase({series}{{{chosen}}}[{window}]))"


def objectives(table: Path = TABLE) -> Iterator[Objective]:
    """Yield the objectives of the table."""
    for row in tomllib.loads(table.read_text("utf-8"))["slo"]:
        yield Objective(
            row["name"],
            row["alert"],
            row["words"],
            row["hits"],
            row["share"],
            _measure(row),
            row.get("failures", 0),
        )


def _measure(row: Mapping[str, Any]) -> RequestShare | ChatShare | GaugeShare:
    if "gauge" in row:
        return GaugeShare(row["gauge"], row["looked_at"], row["seconds"])
    if "bad" in row:
        return ChatShare(row["bad"], row["ignored"])
    return RequestShare(row["methods"], row["routes"], row.get("seconds"))
