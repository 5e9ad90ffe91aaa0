"""Why the pods of a roll-out are not well: what `cloudmart rollout` asks of the doctor."""

import asyncio
import threading
from collections.abc import Iterator

from cloudmart.doctor.command import DoctorChoices, diagnose_world
from cloudmart.doctor.world import World
from cloudmart.findings.finding import CheckFinding, CheckStatus
from cloudmart.findings.output import lines_of
from cloudmart.rollout.cluster import Kubernetes
from cloudmart.settings import load_settings

_ASKED = ("pods-start", "pods-ready", "startup-logs", "pods-reach-all", "logs-clean")
_QUIET = (CheckStatus.PASS, CheckStatus.SKIP)


def reasons_of_pods(cluster: Kubernetes) -> Iterator[str]:
    """Yield what the doctor finds wrong with the pods, a text for each finding."""
    found: list[CheckFinding] = []

    def look() -> None:
        world = World({}, load_settings({}), cluster=cluster, namespace=cluster.namespace)
        diagnosis = asyncio.run(diagnose_world(DoctorChoices(only=_ASKED), world))
        found.extend(diagnosis.found.findings)

    # A signal ends a roll-out at once, and not only its look at the pods.
    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join()
    for each in found:
        if each.status not in _QUIET:
            yield "\n".join(lines_of(each))
