"""What keeps pods from running: how it shows, and for how long it may pass by itself."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cloudmart.rollout.cluster import KubectlError, Kubernetes
from cloudmart.rollout.release import Manifest, name_of

_CONFIGURATION = 78
"""The exit code of a pod whose settings are wrong: another start changes nothing."""

_SOON, _LATER = 20.0, 300.0
# Seconds for which each may last. A registry may have hiccups; a cluster's autoscaler may bring
# a node; what is not in the manifests does not come by itself.
_PATIENCE = {
    "InvalidImageName": 0.0,
    "ErrImageNeverPull": 0.0,
    "ErrImagePull": _SOON,
    "ImagePullBackOff": _SOON,
    "CreateContainerConfigError": _SOON,
    "CreateContainerError": _SOON,
    "RunContainerError": _SOON,
    "Unschedulable": _LATER,
    "FailedCreate": _SOON,
    "FailedMount": 120.0,
}
_LAST_LINES = "12"
_SHOWN = 400  # characters of a pod's last words


@dataclass(frozen=True, slots=True)
class PodFault:
    """What keeps a pod from running."""

    what: str
    reason: str
    message: str
    patience: float | None
    """Seconds for which it may last; None where Kubernetes decides."""

    @property
    def sentence(self) -> str:
        """It, for a person."""
        message = " ".join(self.message.split())
        shown = message if len(message) <= _SHOWN else f"… {message[-_SHOWN:]}"
        return f"{self.what}: {self.reason}. {shown}".strip()


def pod_faults(pod: Manifest) -> Iterator[PodFault]:
    """Yield the faults in a pod's status that keep it from running."""
    name, status = name_of(pod), pod.get("status", {})
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            reason, message = condition.get("reason", ""), condition.get("message", "")
            yield PodFault(name, reason, message, _PATIENCE.get(reason))
    for container in _containers(status):
        # How one that is well by now had ended before is no obstacle.
        if not container.get("ready") and (ended := _ended(container)):
            code, message = ended["exitCode"], (ended.get("message") or "").strip()
            patience = 0.0 if code == _CONFIGURATION else None
            yield PodFault(name, f"it ended with exit code {code}", message, patience)
        waiting = (container.get("state") or {}).get("waiting") or {}
        if (reason := waiting.get("reason", "")) in _PATIENCE:
            message = waiting.get("message", "")
            yield PodFault(name, reason, message, _PATIENCE[reason])


def warnings_about(cluster: Kubernetes, kind: str, name: str) -> list[PodFault]:
    """Return the warnings that Kubernetes has of an object, each once; none if it may not tell."""
    try:
        return told_warnings(cluster, kind, name)
    except KubectlError:
        return []


def told_warnings(cluster: Kubernetes, kind: str, name: str) -> list[PodFault]:
    """Return the warnings that Kubernetes has of an object, each once.

    Raises:
        KubectlError: it does not, or may not, tell.
    """
    chosen = f"involvedObject.kind={kind},involvedObject.name={name},type=Warning"
    found = {
        (each.get("reason", ""), each.get("message", "")): _PATIENCE.get(each.get("reason", ""))
        for each in cluster.every("events", "--field-selector", chosen)
    }
    return [
        PodFault(f"{kind.lower()}/{name}", reason, message, patience)
        for (reason, message), patience in found.items()
    ]


def last_log_lines(cluster: Kubernetes, what: str) -> list[str]:
    """Return the last lines of a log: those of the container before, where this one has none."""
    for words in (
        ("logs", what, "--tail", _LAST_LINES),
        ("logs", what, "--previous", "--tail", _LAST_LINES),
    ):
        try:
            if lines := cluster.do(*words).splitlines():
                return lines
        except KubectlError:
            continue
    return []


def _containers(status: Any) -> Iterator[Any]:  # noqa: ANN401 - as JSON has it
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _ended(container: Any) -> Any:  # noqa: ANN401
    for part in ("state", "lastState"):
        ended = (container.get(part) or {}).get("terminated")
        if ended and ended["exitCode"]:
            return ended
    return None


@dataclass(frozen=True, slots=True)
class RolloutLimits:
    """The seconds that each stage may take, and the pause between two looks."""

    pods: float = 900
    tables: float = 3600
    answers: float = 120
    pause: float = 2
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class FaultHistory:
    """The faults at the last look, and since when each lasts."""

    clock: Callable[[], float]
    _since: dict[tuple[str, str], float] = field(default_factory=dict)

    def note(self, found: Iterable[PodFault]) -> tuple[list[PodFault], PodFault | None]:
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
