"""The Pod Security Standard "restricted" of Kubernetes, from its documentation."""

from collections.abc import Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def breaches(pod: Spec) -> Iterator[str]:
    """Yield the faults of a pod's specification that a namespace with `restricted` refuses."""
    security = pod.get("securityContext", {})
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name))
    for volume in pod.get("volumes", ()):
        yield from (f"volume of {kind}" for kind in volume.keys() - _VOLUMES - {"name"})
    if security.get("sysctls"):
        yield "sysctls"
    if security.get("runAsUser") == 0:
        yield "runs as root"
    for container in [*pod["containers"], *pod.get("initContainers", ())]:
        yield from _of_container(container, security)


def _of_container(container: Spec, pod: Spec) -> Iterator[str]:
    own = container.get("securityContext", {})
    capabilities = own.get("capabilities", {})
    seccomp = own.get("seccompProfile", pod.get("seccompProfile", {}))
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if not own.get("runAsNonRoot", pod.get("runAsNonRoot")):
        yield "may run as root"
    if own.get("runAsUser") == 0:
        yield "runs as root"
    if seccomp.get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "no seccomp profile"
    if "ALL" not in capabilities.get("drop", ()):
        yield "keeps capabilities"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if own.get("procMount", "Default") != "Default":
        yield "unmasked /proc"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "a port of the node"
