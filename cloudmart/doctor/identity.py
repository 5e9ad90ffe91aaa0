"""Identity: where credentials come from, what the pod's token claims, which identity AWS sees."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.doctor import kubernetes
from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, skipped, trouble
from cloudmart.doctor.inputs import Inputs, NotAskedError
from cloudmart.doctor.pods_settings import main_container
from cloudmart.health.causes import DependencyError
from cloudmart.health.dependency_error import token_claims
from cloudmart.health.identity import Identity, same_role
from cloudmart.rollout.release import name_of

AUDIENCE = "sts.amazonaws.com"
ACCOUNTS = ("cloudmart-backend-sa", "cloudmart-doctor-sa")
_TOKEN = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 - a variable's name
IRSA = ("AWS_ROLE_ARN", _TOKEN)
POD_IDENTITY = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
_SOURCES = {
    "env": "keys in the environment",
    "assume-role-with-web-identity": "the ServiceAccount's role (IRSA)",
    "container-role": "Pod Identity",
    "iam-role": "the machine's role",
    "shared-credentials-file": "a profile",
    "config-file": "a profile",
    "sso": "a sign-in",
    "assume-role": "a profile that assumes a role",
    "custom-process": "a program",
}

_WITHIN = 6.0
"""Seconds for credentials: fewer than the check has, so that it can say what was waited for."""

_ENVIRONMENT = frozenset({"environment"})
_STS = frozenset({"environment", "aws:sts"})


async def credentials(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report where credentials come from, or why there are none."""
    try:
        session = inputs.session("sts")
        await Identity(session, inputs.environ, _WITHIN).obtain()
    except DependencyError as error:
        observed = f"{error.sentence} {error.answer}".strip()
        yield trouble("credentials-found", observed, fix=error.remedy_in(inputs.environ))
        yield skipped("credentials-renewed", "credentials-found failed")
        return
    held: Any = await session.get_credentials()
    yield passed("credentials-found", _SOURCES.get(held.method, held.method))
    if held.method == "env" and inputs.in_cluster:
        yield trouble("credentials-renewed", "AWS_ACCESS_KEY_ID is set")


async def caller(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report which identity AWS sees, and whether it is the role that the process should have."""
    try:
        arn = (await inputs.aws("sts", "get_caller_identity"))["Arn"]
    except ClientError as error:
        region = inputs.environ.get("AWS_REGION", "<region>")
        yield trouble("caller-known", str(error), region=region)
        yield skipped("caller-is-the-role", "caller-known failed")
        return
    yield passed("caller-known", arn)
    role = inputs.environ.get("AWS_ROLE_ARN")
    if role is None:
        yield skipped("caller-is-the-role", "AWS_ROLE_ARN is not set: no role is expected here")
    elif not same_role(role, arn):
        yield trouble("caller-is-the-role", f"AWS sees {arn}, and the role is {role}")
    else:
        yield passed("caller-is-the-role", role)


async def injected(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether EKS's webhook has told this pod how to get credentials."""
    if not inputs.in_cluster:
        raise NotAskedError("this is not a pod")
    way = way_of(inputs.environ)
    if way is None:
        yield trouble("variables-injected", f"{IRSA[1]} and {POD_IDENTITY[0]} are not set")
    else:
        yield passed("variables-injected", way)


async def every_pod(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report which pods EKS's webhook has missed."""
    ways = {name_of(pod): way_of(told_to(pod)) for pod in await kubernetes.pods(inputs)}
    missed = [name for name, way in ways.items() if way is None]
    if missed:
        restart = inputs.command("rollout", "restart", "deployment/cloudmart-backend")
        yield trouble("every-pod-has-identity", f"missed: {', '.join(missed)}", restart=restart)
    else:
        found = ", ".join(sorted(set(filter(None, ways.values()))))
        yield passed("every-pod-has-identity", f"{len(ways)} pods: {found}")


async def token(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report what is wrong with the pod's identity token."""
    path = inputs.environ.get(_TOKEN)
    if not path:
        raise NotAskedError(f"{_TOKEN} is not set: no token is used here")
    try:
        await inputs.text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        yield trouble("token-readable", f"{path}: {error}")
        for key in ("token-audience", "token-subject", "token-fresh"):
            yield skipped(key, "token-readable failed")
        return
    claims = token_claims(path)
    if not claims:
        yield trouble("token-readable", f"{path} holds no token")
    audiences = audiences_of(claims)
    if AUDIENCE not in audiences:
        yield trouble("token-audience", f"it is for {', '.join(audiences) or 'nobody'}")
    subject = str(claims.get("sub", ""))
    wanted = [f"system:serviceaccount:{inputs.namespace}:{name}" for name in ACCOUNTS]
    if subject not in wanted:
        yield trouble("token-subject", f"it is of {subject or 'nobody'}, not of {wanted[0]}")
    ends, now = claims.get("exp"), inputs.now()
    expires = datetime.fromtimestamp(ends, UTC) if isinstance(ends, int | float) else None
    if expires is None or expires <= now:
        yield trouble(
            "token-fresh",
            f"it expired at {expires:%Y-%m-%d %H:%M} UTC" if expires else "it has no expiry",
        )


def way_of(told: Mapping[str, str]) -> str | None:
    """Return by which way a pod gets credentials, None where it has none."""
    if all(told.get(name) for name in POD_IDENTITY):
        return "Pod Identity"
    return "IRSA" if all(told.get(name) for name in IRSA) else None


def told_to(pod: Any) -> dict[str, str]:  # noqa: ANN401 - a manifest
    """Return the variables in the specification of a pod's container."""
    variables = main_container(pod["spec"]).get("env") or ()
    return {each["name"]: each["value"] for each in variables if each.get("value")}


def audiences_of(claims: Mapping[str, Any]) -> list[str]:
    """Return the audience of a token."""
    told = claims.get("aud") or []
    return [told] if isinstance(told, str) else [str(each) for each in told]


CHECKS = (
    DoctorCheck(("credentials-found", "credentials-renewed"), credentials, _STS, ("region-set",)),
    DoctorCheck(("caller-known", "caller-is-the-role"), caller, _STS, ("credentials-found",)),
    DoctorCheck(("variables-injected",), injected, _ENVIRONMENT),
    DoctorCheck(
        ("every-pod-has-identity",),
        every_pod,
        kubernetes.KUBERNETES,
        ("deployment-exists",),
    ),
    DoctorCheck(
        ("token-readable", "token-audience", "token-subject", "token-fresh"),
        token,
        _ENVIRONMENT | {"files", "clock"},
    ),
)
