"""Who trusts the pods: the OIDC provider, the role's trust policy, Pod Identity's associations."""

import fnmatch
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.doctor import kubernetes
from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, skipped, trouble
from cloudmart.doctor.identity import (
    ACCOUNTS,
    AUDIENCE,
    audiences_of,
    told_to,
    way_of,
)
from cloudmart.doctor.inputs import Inputs, NotAskedError, NotKnownError
from cloudmart.health.dependency_error import token_claims
from cloudmart.rollout.cluster import Kubernetes
from cloudmart.rollout.release import name_of

_ROLE = "eks.amazonaws.com/role-arn"
_ASSUME = "sts:AssumeRoleWithWebIdentity"
_CLUSTER = re.compile(r"arn:[\w-]+:eks:[\w-]+:\d{12}:cluster/([\w-]+)")
_ABSENT = ("NoSuchEntity", "NoSuchEntityException")

_KUBERNETES = kubernetes.KUBERNETES
_IAM = _KUBERNETES | {"aws:iam", "environment"}
_EKS = _KUBERNETES | {"aws:eks"}


@dataclass(frozen=True, slots=True)
class TrustedPod:
    """What the pods show AWS (IRSA): whose token, for which audience, and for which role."""

    issuer: str
    audience: str
    subject: str
    role: str

    @property
    def path(self) -> str:
        """The issuer without its scheme, as IAM writes it."""
        return self.issuer.partition("://")[2]

    @property
    def provider(self) -> str:
        """The ARN that the account's provider for the issuer has."""
        partition, account = self.role.split(":")[1], self.role.split(":")[4]
        return f"arn:{partition}:iam::{account}:oidc-provider/{self.path}"

    @property
    def role_name(self) -> str:
        """The role's name, without its path."""
        return self.role.rpartition("/")[2]


async def provider(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the account has a provider for the cluster, and for which audiences."""
    pod = await _shown(inputs)
    try:
        found = await inputs.aws(
            "iam", "get_open_id_connect_provider", OpenIDConnectProviderArn=pod.provider
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            raise
        yield trouble(
            "oidc-provider-exists",
            f"there is no {pod.provider}",
            issuer=pod.issuer,
            audience=pod.audience,
        )
        yield skipped("oidc-provider-audience", "oidc-provider-exists failed")
        return
    clients = found.get("ClientIDList", [])
    yield passed("oidc-provider-exists", pod.provider)
    if pod.audience not in clients:
        yield trouble(
            "oidc-provider-audience",
            f"it knows {', '.join(clients) or 'none'}, not {pod.audience}",
            provider=pod.provider,
            audience=pod.audience,
        )


async def trust_policy(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the role lets the pods use it, and if not, for what."""
    pod = await _shown(inputs)
    keys = ("role-trusts-provider", "role-trusts-subject", "role-trusts-audience")
    try:
        role = (await inputs.aws("iam", "get_role", RoleName=pod.role_name))["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            raise
        yield trouble("role-exists", f"there is no {pod.role}")
        for key in keys:
            yield skipped(key, "role-exists failed")
        return
    yield passed("role-exists", pod.role)
    update = (
        f"aws iam update-assume-role-policy --role-name {pod.role_name} "
        "--policy-document file://serve-trust.json"
    )
    for key, observed in faults_of_trust(role["AssumeRolePolicyDocument"], pod):
        yield trouble(key, observed, update_trust=update)


def faults_of_trust(
    document: str | Mapping[str, Any], pod: TrustedPod
) -> Iterator[tuple[str, str]]:
    """Yield which condition of a trust policy keeps a pod out; nothing where one lets it in."""
    policy = json.loads(document) if isinstance(document, str) else document
    statements = [each for each in _listed(policy["Statement"]) if _is_about_tokens(each)]
    ours = [each for each in statements if pod.provider in _federated(each)]
    if not ours:
        others = sorted({each for statement in statements for each in _federated(statement)})
        yield "role-trusts-provider", f"it trusts {', '.join(others) or 'no provider'}"
        return
    faults = [list(_unmet(each, pod)) for each in ours]
    if all(faults):
        yield from min(faults, key=len)


def _unmet(statement: Mapping[str, Any], pod: TrustedPod) -> Iterator[tuple[str, str]]:
    shown = {f"{pod.path}:sub": pod.subject, f"{pod.path}:aud": pod.audience}
    keys = {f"{pod.path}:sub": "role-trusts-subject", f"{pod.path}:aud": "role-trusts-audience"}
    for operator, conditions in (statement.get("Condition") or {}).items():
        for name, wanted in conditions.items():
            values = [str(each) for each in _listed(wanted)]
            value = shown.get(name)
            if value is not None and not _meets(operator, value, values):
                yield keys[name], f"it wants {' or '.join(values)}, and the token has {value}"


def _meets(operator: str, value: str, wanted: list[str]) -> bool:
    plain = operator.rpartition(":")[2].removesuffix("IfExists")
    if plain in {"StringEquals", "StringEqualsIgnoreCase"}:
        return value in wanted
    if plain == "StringLike":
        return any(fnmatch.fnmatchcase(value, each) for each in wanted)
    # What is not about equality was put there on purpose, and is not judged.
    return True


def _is_about_tokens(statement: Mapping[str, Any]) -> bool:
    actions = [str(each) for each in _listed(statement.get("Action", []))]
    allows = statement.get("Effect") == "Allow"
    return allows and any(fnmatch.fnmatchcase(_ASSUME, each) for each in actions)


def _federated(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal")
    return _listed(principal.get("Federated", [])) if isinstance(principal, dict) else []


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - IAM takes one for a list of one
    return list(value) if isinstance(value, list) else [value]


async def pod_identity(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether associations and annotations go together, and whether the agents run."""
    pods = await kubernetes.pods(inputs)
    ways = {name_of(pod): way_of(told_to(pod)) for pod in pods}
    role = await _annotation(inputs)
    if role:
        yield passed("account-annotated", role)
    associated = bool(await _associations(inputs))
    if not role and not associated:
        observed = f"{ACCOUNTS[0]} has no {_ROLE} and no association"
        associate = _associate(inputs, await _name(inputs))
        yield trouble("account-annotated", observed, associate=associate)
    uses = "Pod Identity" in ways.values() or (not role and associated)
    if role and associated:
        lost = [name for name, way in ways.items() if way == "IRSA"]
        if lost:
            delete = inputs.command("delete", "pod", *lost)
            yield trouble("pod-identity-race", f"lost by {', '.join(lost)}", delete=delete)
    if not uses:
        reason = "not needed: the ServiceAccount names its role"
        yield passed("pod-identity-association", reason)
        yield passed("pod-identity-agent", reason)
        return
    if not associated:
        observed = f"pods use Pod Identity, and {ACCOUNTS[0]} has no association"
        yield trouble(
            "pod-identity-association", observed, associate=_associate(inputs, await _name(inputs))
        )
    yield await _agent(inputs)


async def _agent(inputs: Inputs) -> CheckResult:
    label = "app.kubernetes.io/name=eks-pod-identity-agent"
    found = await inputs.every("daemonsets", "--namespace=kube-system", "--selector", label)
    cluster = await _name(inputs) or "<cluster>"
    if not found:
        return trouble("pod-identity-agent", "there is no agent", cluster=cluster)
    status = found[0].get("status", {})
    ready, wanted = status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
    observed = f"ready on {ready} of {wanted} nodes"
    if ready < wanted:
        fix = "kubectl get pods --namespace kube-system --output wide --selector " + label
        return trouble("pod-identity-agent", observed, fix=f"See why: `{fix}`")
    return passed("pod-identity-agent", observed)


async def _shown(inputs: Inputs) -> TrustedPod:
    """Return what the pods show AWS: by this pod's token, or by what the cluster says."""
    environ = inputs.environ if inputs.is_service else {}
    path = environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    claims = token_claims(path) if path else {}
    role = environ.get("AWS_ROLE_ARN") or await _annotation(inputs)
    if not role:
        raise NotAskedError("the ServiceAccount names no role, so no token is shown to AWS")
    if claims:
        audiences = audiences_of(claims)
        return TrustedPod(
            str(claims.get("iss", "")),
            AUDIENCE if AUDIENCE in audiences else next(iter(audiences), AUDIENCE),
            str(claims.get("sub", "")),
            role,
        )
    text = await inputs.kubectl("get", "--raw", "/.well-known/openid-configuration")
    try:
        issuer = str(json.loads(text)["issuer"])
    except (ValueError, KeyError, TypeError) as error:
        raise NotKnownError("the cluster does not say who issues its tokens") from error
    subject = f"system:serviceaccount:{inputs.namespace}:{ACCOUNTS[0]}"
    return TrustedPod(issuer, AUDIENCE, subject, role)


async def _annotation(inputs: Inputs) -> str:
    account = await inputs.find("serviceaccount", ACCOUNTS[0])
    return str(((account or {"metadata": {}})["metadata"].get("annotations") or {}).get(_ROLE, ""))


async def _associations(inputs: Inputs) -> list[Any]:
    cluster = await _name(inputs)
    if cluster is None:
        raise NotKnownError(
            "the cluster's name at EKS is not known, so its associations are not",
            "`aws eks update-kubeconfig --name <cluster>` makes a context that names it.",
        )
    found = await inputs.aws(
        "eks",
        "list_pod_identity_associations",
        clusterName=cluster,
        namespace=inputs.namespace,
        serviceAccount=ACCOUNTS[0],
    )
    associations: list[Any] = found.get("associations", [])
    return associations


async def _name(inputs: Inputs) -> str | None:
    def look(cluster: Kubernetes) -> str | None:
        found = _CLUSTER.search(json.dumps(cluster.get_configuration()))
        return found and found[1]

    name: str | None = await inputs.looking("name", look)
    return name


def _associate(inputs: Inputs, cluster: str | None) -> str:
    return (
        f"aws eks create-pod-identity-association --cluster-name {cluster or '<cluster>'} "
        f"--namespace {inputs.namespace} --service-account {ACCOUNTS[0]} --role-arn <role>"
    )


CHECKS = (
    DoctorCheck(
        ("oidc-provider-exists", "oidc-provider-audience"),
        provider,
        _IAM,
        ("credentials-found",),
    ),
    DoctorCheck(
        ("role-exists", "role-trusts-provider", "role-trusts-subject", "role-trusts-audience"),
        trust_policy,
        _IAM,
        ("credentials-found",),
    ),
    DoctorCheck(
        (
            *("account-annotated", "pod-identity-association"),
            *("pod-identity-agent", "pod-identity-race"),
        ),
        pod_identity,
        _EKS,
        ("deployment-exists", "credentials-found"),
    ),
)
