"""What the controllers and nodes of a cluster make of its objects: revisions, pods, their end."""

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.fake_cluster import FakeCluster

Object = dict[str, Any]
_REVISION = "deployment.kubernetes.io/revision"
_CONFIGURATION: Object = {
    "contexts": [{"name": "shop"}],
    "clusters": [{"cluster": {"server": "https://127.0.0.1:6443"}}],
}
_COMPLETE = "Complete"


@dataclass(slots=True)
class Scenario:
    """The scenario of a cluster: what it refuses, and which pods fail."""

    configuration: Object = field(default_factory=lambda: copy.deepcopy(_CONFIGURATION))
    away: bool = False
    forbidden: list[str] = field(default_factory=list)
    """`verb resource`, or `write kind`."""
    unpullable: list[str] = field(default_factory=list)
    """Tags that the registry does not have."""
    unready: list[str] = field(default_factory=list)
    """Tags whose pods never become ready."""
    refusing: list[str] = field(default_factory=list)
    """Tags whose pods end with exit code 78."""
    unschedulable: bool = False
    jobs: dict[str, str] = field(default_factory=dict)
    """How a Job ends, or `running`. The key is the Job's name, or `*`."""
    job_warnings: dict[str, str] = field(default_factory=dict)
    """Warnings of Jobs without a pod: reason and message."""
    draining: int = 0
    """For how many reads the older pods stay."""
    logs: dict[str, str] = field(default_factory=dict)
    injected: dict[str, str] = field(default_factory=dict)
    """Variables that a webhook adds to the pods."""
    raw: dict[str, str | Callable[[], str]] = field(default_factory=dict)
    """What `get --raw` answers, by path; what is called for it may change."""


def settle(cluster: "FakeCluster") -> None:
    """Run the controllers and the nodes once."""
    for deployment in cluster.listed("deployment"):
        _revise(cluster, deployment)
        _run(cluster, deployment)
    for job in cluster.listed("job"):
        _run_job(cluster, job)
    names = {job["metadata"]["name"] for job in cluster.listed("job")}
    for pod in cluster.listed("pod"):
        owner = pod["metadata"]["labels"].get("job-name")
        if owner and owner not in names:
            del cluster.objects[f"pod/{pod['metadata']['name']}"]


def undo(cluster: "FakeCluster", deployment: Object, revision: str) -> None:
    """Provide a Deployment the template of a revision. Its record and its labels stay."""
    (found,) = (
        each
        for each in cluster.listed("replicaset")
        if each["metadata"]["annotations"][_REVISION] == revision
    )
    template = copy.deepcopy(found["spec"]["template"])
    del template["metadata"]["labels"]["pod-template-hash"]
    deployment["spec"]["template"] = template


def _revise(cluster: "FakeCluster", deployment: Object) -> None:
    template = deployment["spec"]["template"]
    text = json.dumps(template, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:10]
    sets = cluster.listed("replicaset")
    latest = max((int(each["metadata"]["annotations"][_REVISION]) for each in sets), default=0)
    own = next((each for each in sets if each["metadata"]["name"].endswith(name)), None)
    if own is None:
        made = copy.deepcopy(template)
        made["metadata"].setdefault("labels", {})["pod-template-hash"] = name
        labels = {"app": "cloudmart-backend", "pod-template-hash": name}
        own = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": f"rs-{name}", "labels": labels, "annotations": {_REVISION: "0"}},
            "spec": {"template": made},
        }
        cluster.objects[f"replicaset/rs-{name}"] = own
    annotations = own["metadata"]["annotations"]
    if int(annotations[_REVISION]) < latest or annotations[_REVISION] == "0":
        annotations[_REVISION] = str(latest + 1)
    deployment["metadata"].setdefault("annotations", {})[_REVISION] = annotations[_REVISION]


def _run(cluster: "FakeCluster", deployment: Object) -> None:
    at = deployment["metadata"]["annotations"][_REVISION]
    (own,) = (
        each
        for each in cluster.listed("replicaset")
        if each["metadata"]["annotations"][_REVISION] == at
    )
    label = own["metadata"]["labels"]["pod-template-hash"]
    name = f"pod-{label}"
    others = [
        each
        for each in cluster.listed("pod")
        if "pod-template-hash" in each["metadata"]["labels"] and each["metadata"]["name"] != name
    ]
    status = _fate(cluster, own["spec"]["template"]["spec"])
    cluster.objects[f"pod/{name}"] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {**own["metadata"]["labels"]},
            "annotations": {**own["spec"]["template"]["metadata"].get("annotations", {})},
        },
        "spec": _admitted(cluster, own["spec"]["template"]["spec"]),
        "status": status,
    }
    ready = _is_ready(status)
    if ready and others:
        if cluster.scenario.draining:
            cluster.scenario.draining -= 1
        else:
            for each in others:
                del cluster.objects[f"pod/{each['metadata']['name']}"]
    replicas = deployment["spec"].get("replicas", 1)
    deployment["status"] = {
        "replicas": replicas + (0 if ready else 1),
        "updatedReplicas": replicas,
        "availableReplicas": replicas if ready else replicas - 1,
    }


def _admitted(cluster: "FakeCluster", spec: Object) -> Object:
    admitted: Object = copy.deepcopy(spec)
    for container in admitted["containers"]:
        added = [{"name": key, "value": each} for key, each in cluster.scenario.injected.items()]
        container["env"] = [*container.get("env", []), *added]
    return admitted


def _fate(cluster: "FakeCluster", pod: Object) -> Object:
    scenario = cluster.scenario
    if scenario.unschedulable:
        message = "0/3 nodes are available: 3 Insufficient cpu."
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        return {"phase": "Pending", "conditions": [{**condition, "message": message}]}
    containers = [_container(cluster, each) for each in pod["containers"]]
    ports = [port["containerPort"] for each in pod["containers"] for port in each.get("ports", ())]
    if len(ports) != len(set(ports)):
        containers[-1] = _crashed(containers[-1]["name"], 1, "Error: address in use")
    good = all(each["ready"] for each in containers)
    reason = (
        {}
        if good
        else {"reason": "ContainersNotReady", "message": "containers with unready status"}
    )
    ready = {"type": "Ready", "status": "True" if good else "False", **reason}
    return {"phase": "Running", "conditions": [ready], "containerStatuses": containers}


def _container(cluster: "FakeCluster", container: Object) -> Object:
    name, scenario = container["name"], cluster.scenario
    tag = container["image"].rpartition(":")[2]
    if tag in scenario.unpullable:
        message = f'Back-off pulling image "{container["image"]}": not found'
        return _waiting(name, "ImagePullBackOff", message)
    if missing := next(_missing(cluster, container), None):
        return _waiting(name, "CreateContainerConfigError", missing)
    if tag in scenario.refusing:
        return _crashed(name, 78, "CloudMart does not start: AUTH is not set.")
    if tag in scenario.unready:
        return {"name": name, "ready": False, "state": {"running": {}}, "lastState": {}}
    return {"name": name, "ready": True, "state": {"running": {}}, "lastState": {}}


def _missing(cluster: "FakeCluster", container: Object) -> Iterator[str]:
    for variable in container.get("env", ()):
        for source, kind in (("secretKeyRef", "secret"), ("configMapKeyRef", "configmap")):
            reference = variable.get("valueFrom", {}).get(source)
            if not reference or reference.get("optional"):
                continue
            there = cluster.objects.get(f"{kind}/{reference['name']}", {})
            if reference["key"] not in there.get("data", {}):
                yield f"couldn't find key {reference['key']} in {kind} default/{reference['name']}"


def _waiting(name: str, reason: str, message: str) -> Object:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": name, "ready": False, "state": state, "lastState": {}}


def _crashed(name: str, code: int, message: str) -> Object:
    ended = {"terminated": {"exitCode": code, "message": message, "reason": "Error"}}
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    return {"name": name, "ready": False, "state": state, "lastState": ended}


def _is_ready(status: Object) -> bool:
    return any(
        each["type"] == "Ready" and each["status"] == "True" for each in status["conditions"]
    )


def _begins(status: Object) -> bool:
    """Return whether the container of a pod runs at all."""
    containers = status.get("containerStatuses", [])
    reasons = {each["state"].get("waiting", {}).get("reason") for each in containers}
    return bool(containers) and reasons <= {None, "CrashLoopBackOff"}


def _run_job(cluster: "FakeCluster", job: Object) -> None:
    name, scenario = job["metadata"]["name"], cluster.scenario
    if name in scenario.job_warnings or "*" in scenario.job_warnings:
        reason, _, message = (
            scenario.job_warnings.get(name) or scenario.job_warnings["*"]
        ).partition(": ")
        about = {"kind": "Job", "name": name}
        cluster.objects[f"event/{name}"] = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name},
            "involvedObject": about,
            "reason": reason,
            "message": message,
        }
        return
    status = _fate(cluster, job["spec"]["template"]["spec"])
    cluster.objects[f"pod/{name}-1"] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{name}-1", "labels": {"job-name": name}},
        "status": status,
    }
    ends = scenario.jobs.get(name, scenario.jobs.get("*", _COMPLETE))
    ended = _begins(status) and ends != "running"
    conditions = [{"type": ends, "status": "True"}] if ended else []
    job["status"] = {"active": 0 if ended else 1, "conditions": conditions}
