"""The checks before anything is changed: each fault is a sentence with its remedy."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from cloudmart.rollout.cluster import KubectlError, KubectlReason, Kubernetes, manifest_list
from cloudmart.rollout.release import (
    DEPLOYMENT,
    SECRET,
    Manifest,
    Release,
    Rendered,
    StorefrontAddress,
    name_of,
    object_reference,
)
from cloudmart.settings import load_settings
from cloudmart.settings.misspelt import nearest_setting
from cloudmart.settings.proxies import FILES
from cloudmart.settings.report import SettingState
from cloudmart.settings.variables import variables

GATE = "elbv2.k8s.aws/pod-readiness-gate-inject"
_ROLE = "eks.amazonaws.com/role-arn"
# What no dry run asks for, or not before something else is missed.
_RIGHTS = (
    ("create", "leases.coordination.k8s.io"),
    ("delete", "jobs"),
    ("list", "pods"),
    ("get", "pods/log"),
    ("list", "replicasets.apps"),
    ("list", "events"),
    ("get", "configmaps"),
    ("get", "serviceaccounts"),
    ("get", "services"),
    ("get", "deployments.apps"),
    ("patch", "deployments.apps"),
)


def gate_command(cluster: Kubernetes, *, on: bool = True) -> str:
    """Return the command that switches the load balancer's readiness gate on, or off."""
    label = f"{GATE}=enabled" if on else f"{GATE}-"
    return cluster.command("label", "namespace", cluster.namespace, label)


def namespace_faults(cluster: Kubernetes, environment: str) -> Iterator[str]:
    """Yield what is wrong with the namespace: it is not there."""
    name = cluster.namespace
    try:
        found = cluster.find("namespace", name)
    except KubectlError as error:
        if error.reason is KubectlReason.FORBIDDEN:
            # Nobody needs this right: the dry run finds a namespace that is not there.
            return
        raise
    if found is None:
        yield (
            f"There is no namespace {name}. For a first roll-out, make it: "
            f"`{cluster.command('create', 'namespace', name)}`, then "
            f"`{gate_command(cluster)}`, then `make k8s-secret ENV={environment}`."
        )


def gate_warning(cluster: Kubernetes) -> str | None:
    """Return a sentence if new pods count as ready before the load balancer knows them."""
    try:
        found = cluster.find("namespace", cluster.namespace)
    except KubectlError as error:
        return f"Whether the readiness gate is on cannot be seen: {error}"
    labels = (found or {"metadata": {}})["metadata"].get("labels") or {}
    if labels.get(GATE) == "enabled":
        return None
    return (
        "Pods are called ready before the load balancer knows them. For the next roll-out: "
        f"`{gate_command(cluster)}`."
    )


def secret_of(cluster: Kubernetes, environment: str) -> tuple[Manifest | None, str | None]:
    """Return the Secret, or why it cannot be had."""
    try:
        secret = cluster.find("secret", SECRET)
    except KubectlError as error:
        if error.reason is not KubectlReason.FORBIDDEN:
            raise
        return None, (
            f"The Secret {SECRET} may not be read, so it is not known whether pods can start with "
            f"it. The account that rolls out needs the right to get it: {error}"
        )
    if secret is None:
        return None, (
            f"There is no Secret {SECRET} in the namespace {cluster.namespace}. Make it: "
            f"`make k8s-secret ENV={environment}`."
        )
    return secret, None


def right_faults(cluster: Kubernetes) -> Iterator[str]:
    """Yield a sentence for each right that a roll-out needs and this account lacks."""
    for verb, resource in _RIGHTS:
        if not cluster.may(verb, resource):
            where = f"in the namespace {cluster.namespace}"
            yield f"You may not {verb} {resource} {where}: ask for that right."


def server_refusals(cluster: Kubernetes, release: Release) -> list[str]:
    """Have the server judge all that would be applied, and return what it refuses.

    Nothing is changed. What it calls invalid may only be so beside what is left of an earlier
    release: that is judged again when it is recorded as ours to remove.
    """
    others = [each for each in release.tables if each is not release.job]
    job = release.job
    # One of the same name may be there; a Job cannot be changed, and it will be removed first.
    probe = {**job, "metadata": {**job["metadata"], "name": f"{name_of(job)}-check"}}
    refused: list[str] = []
    for verb, manifests in (
        ("create", [probe]),
        ("apply", others),
        ("apply", release.service),
        ("apply", release.edge),
    ):
        try:
            cluster.do(verb, "--dry-run=server", "--filename", "-", told=manifest_list(manifests))
        except KubectlError as error:
            if error.reason is KubectlReason.AWAY:
                raise
            refused += [
                sentence
                for sentence in _sentences(str(error))
                if verb == "create" or "is invalid" not in sentence
            ]
    return refused


def identity_faults(cluster: Kubernetes, release: Release) -> Iterator[str]:
    """Yield a sentence for each ServiceAccount that is another role's than operator.yaml says."""
    accounts = [each for each in release.every if each["kind"] == "ServiceAccount"]
    wanted = {name_of(each): _role(each) for each in accounts}
    for live in cluster.present([object_reference(each) for each in accounts]):
        has, should = _role(live), wanted[name_of(live)]
        if not has or not should or has == should:
            continue
        account = f"serviceaccount/{name_of(live)}"
        if _account(has) != _account(should):
            yield (
                f"{account} is of the AWS account {_account(has)}, and operator.yaml says "
                f"{_account(should)}: this may be another cluster than you mean. Name the right "
                "one with --context, or correct `account` in operator.yaml."
            )
        else:
            mended = cluster.command("annotate", "--overwrite", account, f"{_ROLE}={should}")
            yield (
                f"{account} has the role {has}, and operator.yaml says {should}. Correct the role "
                f"in operator.yaml, or, if the new one is meant: `{mended}`."
            )


def storefront_faults(cluster: Kubernetes, storefront: StorefrontAddress) -> Iterator[str]:
    """Yield what is wrong with the storefront that the Ingress leads to."""
    if storefront.own:
        return
    name, port = storefront.service, storefront.port
    service = cluster.find("service", name)
    if service is None:
        yield (
            f"There is no Service {name}, to which the Ingress sends requests for the page. Roll "
            "the storefront out first, or choose the component that brings one (docs/deploy.md). "
            "To roll out all the same: --skip-storefront."
        )
        return
    ports = {key: each for each in service["spec"]["ports"] for key in _names(each)}
    if port not in ports:
        has = ", ".join(str(each["port"]) for each in service["spec"]["ports"])
        yield (
            f"The Service {name} has no port {port}. It has {has}: correct `frontend-port` in "
            "operator.yaml."
        )
        return
    slices = cluster.every("endpointslices", "--selector", f"kubernetes.io/service-name={name}")
    if not any(_is_ready(each) for found in slices for each in found.get("endpoints") or ()):
        yield (
            f"No pod is ready behind the Service {name}: the page answers 503 now. See "
            f"`{cluster.command('get', 'pods')}`. To roll out all the same: --skip-storefront."
        )


def _names(port: Manifest) -> list[object]:
    return [port["port"], *filter(None, [port.get("name")])]


def _is_ready(endpoint: Manifest) -> bool:
    return (endpoint.get("conditions") or {}).get("ready") is not False


def _role(account: Manifest) -> str:
    return str((account["metadata"].get("annotations") or {}).get(_ROLE, ""))


def _account(role: str) -> str:
    return (role.split(":") + [""] * 5)[4]


def _sentences(text: str) -> list[str]:
    """Return kubectl's errors, each with the lines that belong to it."""
    found: list[str] = []
    for line in text.splitlines():
        if found and (line.startswith((" ", "*")) or found[-1].endswith(":")):
            found[-1] += f" {line.strip()}"
        elif line.strip():
            found.append(line.strip())
    return found


def secret_faults(rendered: Rendered, secret: Manifest) -> list[str]:
    """Return a sentence for each value with which the pods would not start."""
    values, faults = _values(secret)
    told = rendered.environment()
    # In the pod, the directory has these values.
    for name in ("CLOUDMART_SECRETS_DIR", *FILES):
        told.pop(name, None)
    mounted = _mounted(rendered)
    seen = {name: each for name, each in values.items() if mounted is None or name in mounted}
    refusals = load_settings({**seen, **told}).report.refusals
    # What Secrets Manager holds is not known here.
    elsewhere = "CLOUDMART_SECRET_ID" in told
    return faults + [
        f"Secret {SECRET}: {each.sentence}"
        for each in refusals
        if each.name not in told and not (elsewhere and each.state is SettingState.MISSING)
    ]


def unread_keys(rendered: Rendered, secret: Manifest) -> Iterator[str]:
    """Yield a sentence for each key of the Secret that no pod reads."""
    known = {name for each in variables().values() for name in each.names}
    read = _mounted(rendered) or known
    for name in sorted((secret.get("data") or {}).keys() - read):
        meant = nearest_setting(name) if name not in known else None
        hint = f"; did you mean {meant}?" if meant else "."
        yield f"No fault: Secret {SECRET} holds {name}, which this release does not read{hint}"


def _values(secret: Manifest) -> tuple[dict[str, str], list[str]]:
    values, faults = {}, []
    for name, coded in (secret.get("data") or {}).items():
        try:
            values[name] = base64.b64decode(coded or "").decode()
        except (binascii.Error, UnicodeDecodeError):
            faults.append(f"Secret {SECRET}: the value of {name} is no text.")
    return values, faults


def _mounted(rendered: Rendered) -> set[str] | None:
    """Return the keys that pods mount by name, or None where they mount all."""
    pod = rendered.named("Deployment", DEPLOYMENT)["spec"]["template"]["spec"]
    for volume in pod.get("volumes", ()):
        for source in _secrets_of(volume):
            if source.get("secretName", source.get("name")) == SECRET:
                items = source.get("items")
                return {each["key"] for each in items} if items else None
    return None


def _secrets_of(volume: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "secret" in volume:
        yield volume["secret"]
    for source in volume.get("projected", {}).get("sources", ()):
        if "secret" in source:
            yield source["secret"]
