"""The defaults that a cluster's API server adds to objects, and what it refuses."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

Object = dict[str, Any]

_CONTAINER = {
    "imagePullPolicy": "IfNotPresent",
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_POD = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_DEPLOYMENT = {"progressDeadlineSeconds": 600, "replicas": 1, "revisionHistoryLimit": 10}
_STRATEGY = {
    "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    "type": "RollingUpdate",
}


def filled_in(given: Mapping[str, Any]) -> Object:
    """Return an object with the server's defaults."""
    made: Object = copy.deepcopy(dict(given))
    spec = made.get("spec", {})
    match made["kind"]:
        case "Deployment":
            made["spec"] = {**_DEPLOYMENT, "strategy": _STRATEGY, **spec}
            _fill_pod(made["spec"]["template"]["spec"])
        case "Job":
            _fill_pod(spec["template"]["spec"])
        case "Service":
            for port in spec["ports"]:
                port.setdefault("protocol", "TCP")
    if spec.get("type") == "ClusterIP":
        _drop_what_is_for_outside(spec)
    return made


def _fill_pod(pod: Object) -> None:
    for name, value in _POD.items():
        pod.setdefault(name, copy.deepcopy(value))
    if "serviceAccountName" in pod:
        pod["serviceAccount"] = pod["serviceAccountName"]
    for container in pod["containers"]:
        for name, value in _CONTAINER.items():
            container.setdefault(name, copy.deepcopy(value))
        for port in container.get("ports", ()):
            port.setdefault("protocol", "TCP")


def _drop_what_is_for_outside(spec: Object) -> None:
    for name in ("allocateLoadBalancerNodePorts", "externalTrafficPolicy"):
        spec.pop(name, None)
    for port in spec["ports"]:
        port.pop("nodePort", None)


def invalid(made: Object, before: Object | None) -> str | None:
    """Return the faults that the server finds in an object."""
    for fault in _faults(made, before):
        return f'The {made["kind"]} "{made["metadata"]["name"]}" is invalid: {fault}'
    return None


def _faults(made: Object, before: Object | None) -> Iterator[str]:
    spec = made.get("spec", {})
    if made["kind"] == "Deployment":
        for place, container in enumerate(spec["template"]["spec"]["containers"]):
            for number, variable in enumerate(container.get("env", ())):
                if "value" in variable and "valueFrom" in variable:
                    yield (
                        f"spec.template.spec.containers[{place}].env[{number}].valueFrom: Invalid "
                        'value: "": may not be specified when `value` is not empty'
                    )
    if made["kind"] == "PodDisruptionBudget" and {"minAvailable", "maxUnavailable"} <= spec.keys():
        yield ("spec: Invalid value: {}: minAvailable and maxUnavailable cannot be both set")
    if made["kind"] == "Job" and before and _template(before) != _template(made):
        yield "spec.template: Invalid value: {}: field is immutable"


def _template(job: Object) -> str:
    return json.dumps(job["spec"]["template"], sort_keys=True)
