"""Waiting for what a cluster does, no longer than it makes sense."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cloudmart.rollout.pods import Obstruction


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that things may take, and the pause between two looks."""

    pods: float = 900
    tables: float = 3600
    answers: float = 120
    pause: float = 2
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class Grievances:
    """What was in the way when it was looked at last, and since when."""

    clock: Callable[[], float]
    _since: dict[tuple[str, str], float] = field(default_factory=dict)

    def note(self, found: Iterable[Obstruction]) -> tuple[list[Obstruction], Obstruction | None]:
        """Return what is new, and what has lasted too long to pass by itself.

        Reasons that a pod has in turn (ErrImagePull, ImagePullBackOff) are one.
        """
        new, lasting, still = [], None, {}
        for each in found:
            key = (each.what, _family(each.reason))
            if key not in self._since and key not in still:
                new.append(each)
            since = still[key] = self._since.get(key, self.clock())
            if each.patience is not None and self.clock() - since >= each.patience:
                lasting = lasting or each
        self._since = still
        return new, lasting


def _family(reason: str) -> str:
    return "image" if "Image" in reason else reason
