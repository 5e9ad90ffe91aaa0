"""Findings of the identity: credentials, tokens, trust policies."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudmart.doctor.identity import POD_IDENTITY
from cloudmart.findings.finding import CheckStatus
from tests.doctor.healthy import NOW, HealthyShop, told
from tests.support.aws_commands import commands_in, run_aws
from tests.support.fault_proxy import Refusal, fault_proxy

FAIL, WARN = CheckStatus.FAIL, CheckStatus.WARN
SKIP, PASS, UNKNOWN = CheckStatus.SKIP, CheckStatus.PASS, CheckStatus.UNKNOWN
OTHER = "system:serviceaccount:default:another"


async def test_a_process_without_credentials_is_reported_and_aws_is_not_called(
    shop: HealthyShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in shop.aws.injected:
        monkeypatch.delenv(name)
        del shop.environ[name]

    found = await shop.look("identity", "dynamodb")

    assert "no AWS credentials" in told(found, "credentials-found", FAIL)
    assert told(found, "variables-injected", FAIL).endswith("are not set")
    assert told(found, "table-exists", SKIP) == "credentials-found failed"
    assert told(found, "token-readable", SKIP).endswith("no token is used here")


@pytest.mark.parametrize(
    ("profile", "seen"),
    [
        ("", "is named that does not exist"),
        ("credential_process = sleep 60", "AWS credentials does not answer. TimeoutError"),
    ],
)
async def test_a_profile_that_gives_no_credentials_is_reported_within_seconds(
    shop: HealthyShop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str, seen: str
) -> None:
    for name in shop.aws.injected:
        monkeypatch.delenv(name)
        del shop.environ[name]
    file = tmp_path / "profiles"
    file.write_text(f"[profile another]\n{profile}\n" if profile else "")
    for name, value in {"AWS_CONFIG_FILE": str(file), "AWS_PROFILE": "another"}.items():
        monkeypatch.setenv(name, value)
        shop.environ[name] = value

    found = await shop.look("identity", "table-exists")

    assert seen in told(found, "credentials-found", FAIL)
    assert told(found, "table-exists", SKIP) == "credentials-found failed"


async def test_static_keys_in_a_pod_are_reported(
    shop: HealthyShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")

    found = await shop.look("credentials-renewed", "caller-is-the-role")

    assert told(found, "credentials-renewed", WARN) == "AWS_ACCESS_KEY_ID is set"
    assert shop.aws.role in told(found, "caller-is-the-role", FAIL)


async def test_credentials_that_aws_does_not_accept_are_reported(
    shop: HealthyShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fault_proxy(shop.aws.proxy.engine) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        refusal = Refusal(403, "InvalidClientTokenId", "The security token is invalid.")
        sts.fail(refusal, "GetCallerIdentity")

        found = await shop.look("caller-known", "caller-is-the-role")

    assert "InvalidClientTokenId" in told(found, "caller-known", FAIL)
    assert told(found, "caller-is-the-role", SKIP) == "caller-known failed"


async def test_a_pod_that_the_webhook_missed_is_named(shop: HealthyShop) -> None:
    pod = shop.add_pod("pod-missed")
    pod["spec"]["containers"][0]["env"] = []

    found = await shop.look("every-pod-has-identity")

    assert told(found, "every-pod-has-identity", FAIL) == "missed: pod-missed"
    assert "rollout restart" in found["every-pod-has-identity"].fix


@pytest.mark.parametrize(
    ("key", "claims", "observed"),
    [
        ("token-audience", {"aud": "https://kubernetes.default.svc"}, "it is for https://kub"),
        ("token-subject", {"sub": OTHER}, f"it is of {OTHER}, not of system:serviceaccount"),
        (
            *("token-fresh", {"exp": (NOW - timedelta(minutes=1)).timestamp()}),
            "it expired at 2026-11-28 07:59 UTC",
        ),
    ],
)
async def test_what_is_wrong_with_a_token_is_reported(
    shop: HealthyShop, key: str, claims: dict[str, Any], observed: str
) -> None:
    shop.aws.claims(NOW + timedelta(hours=1), **claims)

    found = await shop.look(key)

    assert told(found, key, FAIL).startswith(observed)


async def test_a_token_that_is_not_there_is_reported(shop: HealthyShop) -> None:
    shop.aws.token.unlink()

    found = await shop.look("token-readable", "token-subject")

    assert "No such file" in told(found, "token-readable", FAIL)
    assert told(found, "token-subject", SKIP) == "token-readable failed"


async def test_a_provider_that_is_missing_is_made_by_the_fix(shop: HealthyShop) -> None:
    iam = shop.aws.client("iam")
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=shop.aws.provider)

    found = await shop.look("oidc-provider-exists", "oidc-provider-audience")
    assert told(found, "oidc-provider-exists", FAIL) == f"there is no {shop.aws.provider}"
    assert told(found, "oidc-provider-audience", SKIP) == "oidc-provider-exists failed"

    (command,) = commands_in(found["oidc-provider-exists"].fix)
    run_aws(command, shop.aws)
    mended = await shop.look("oidc-provider-exists", "oidc-provider-audience")
    assert {each.status for each in mended.values()} == {PASS}


async def test_an_audience_that_the_provider_does_not_know_is_reported(shop: HealthyShop) -> None:
    iam = shop.aws.client("iam")
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=shop.aws.provider)
    iam.create_open_id_connect_provider(Url=shop.aws.issuer, ClientIDList=["another"])

    found = await shop.look("oidc-provider-audience")
    assert told(found, "oidc-provider-audience", FAIL) == "it knows another, not sts.amazonaws.com"
    # moto cannot add one to a provider.
    assert commands_in(found["oidc-provider-audience"].fix) == [
        (
            "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "
            f"{shop.aws.provider} --client-id sts.amazonaws.com"
        )
    ]


async def test_a_role_that_is_missing_is_reported(shop: HealthyShop) -> None:
    shop.aws.client("iam").delete_role(RoleName=shop.aws.role_name)

    found = await shop.look("role-exists", "role-trusts-subject")

    assert told(found, "role-exists", FAIL) == f"there is no {shop.aws.role}"
    assert told(found, "role-trusts-subject", SKIP) == "role-exists failed"


@pytest.mark.parametrize(
    ("key", "was", "now", "observed"),
    [
        ("role-trusts-provider", "{issuer}", "oidc.eks.us-east-1.amazonaws.com/id/OLD", "/id/OLD"),
        ("role-trusts-subject", "cloudmart-backend-sa", "default", "default:default, and the"),
        ("role-trusts-audience", '"sts.amazonaws.com"', '"sts"', "it wants sts, and the token"),
    ],
)
async def test_a_trust_policy_that_keeps_the_pods_out_is_reported(
    shop: HealthyShop, key: str, was: str, now: str, observed: str
) -> None:
    was = was.format(issuer=shop.aws.issuer.removeprefix("https://"))
    right = shop.aws.trust_policy
    shop.aws.trust(json.loads(json.dumps(right).replace(was, now)))

    found = await shop.look("identity")
    assert observed in told(found, key, FAIL)
    assert [each.id for each in found.values() if each.status is FAIL] == [key]

    shop.aws.trust(right)
    assert (await shop.look(key))[key].status is PASS


@pytest.mark.parametrize(
    ("operator", "subject", "trusted"),
    [
        ("StringLike", "system:serviceaccount:default:cloudmart-*", True),
        ("StringLike", "system:serviceaccount:shop:*", False),
        ("ForAnyValue:StringEquals", [OTHER, "system:serviceaccount:default:x"], False),
        ("StringNotEquals", OTHER, True),
    ],
)
async def test_a_trust_policy_is_read_as_iam_reads_it(
    shop: HealthyShop, operator: str, subject: object, *, trusted: bool
) -> None:
    issuer = shop.aws.issuer.removeprefix("https://")
    policy = shop.aws.trust_policy
    policy["Statement"][0]["Condition"] = {operator: {f"{issuer}:sub": subject}}
    shop.aws.trust(policy)

    found = await shop.look("role-trusts-subject")

    assert found["role-trusts-subject"].status is (PASS if trusted else FAIL)


async def test_an_account_without_a_role_and_without_an_association_is_reported(
    shop: HealthyShop,
) -> None:
    shop.cluster.live("serviceaccount/cloudmart-backend-sa")["metadata"]["annotations"] = {}

    found = await shop.look("account-annotated")

    assert told(found, "account-annotated", FAIL).endswith("and no association")
    assert "--cluster-name shop --namespace default" in found["account-annotated"].fix


async def test_pods_that_use_pod_identity_without_an_association_are_reported(
    shop: HealthyShop,
) -> None:
    use_pod_identity(shop)

    found = await shop.look("identity")

    assert "has no association" in told(found, "pod-identity-association", FAIL)
    assert told(found, "pod-identity-agent", FAIL) == "there is no agent"


@pytest.mark.parametrize(("ready", "status"), [(1, FAIL), (2, PASS)])
async def test_an_agent_that_is_not_ready_is_reported(
    shop: HealthyShop, ready: int, status: CheckStatus
) -> None:
    use_pod_identity(shop)
    shop.aws.associate()
    shop.cluster.put(agent(ready))

    found = await shop.look("pod-identity-agent", "pod-identity-association")

    assert told(found, "pod-identity-agent", status) == f"ready on {ready} of 2 nodes"
    assert found["pod-identity-association"].status is PASS


async def test_a_pod_that_lost_the_race_is_to_be_rolled_and_no_provider_to_be_made(
    shop: HealthyShop,
) -> None:
    shop.aws.associate()

    found = await shop.look("pod-identity-race")

    pod = shop.pod["metadata"]["name"]
    assert told(found, "pod-identity-race", FAIL) == f"lost by {pod}"
    assert found["pod-identity-race"].fix.endswith(
        f"`kubectl --namespace default delete pod {pod}`."
    )
    assert "The provider is not to blame." in found["pod-identity-race"].why

    # The webhook gives the right variables to the pod that replaces it.
    shop.cluster.scenario.injected = dict.fromkeys(POD_IDENTITY, "given")
    shop.cluster(commands_in(found["pod-identity-race"].fix)[0].split()[1:], None)
    assert (await shop.look("pod-identity-race"))["pod-identity-race"].status is PASS


async def test_associations_that_may_not_be_listed_are_unknown(
    shop: HealthyShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fault_proxy(shop.aws.proxy.engine) as iam:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", iam.url)
        message = (
            f"User: arn:aws:sts::210987654321:assumed-role/{shop.aws.role_name}/x is not "
            "authorized to perform: iam:GetRole on resource: role x"
        )
        iam.fail(Refusal(403, "AccessDenied", message), "GetRole")

        found = await shop.look("role-exists")

    assert told(found, "role-exists", UNKNOWN) == "the permission iam:GetRole is missing"
    assert "cloudmart iam render doctor" in found["role-exists"].fix


def use_pod_identity(shop: HealthyShop) -> None:
    """Let the webhook set the variables of the node's agent, as without an annotation."""
    shop.cluster.live("serviceaccount/cloudmart-backend-sa")["metadata"]["annotations"] = {}
    shop.cluster.scenario.injected = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/var/run/secrets/pods.eks.amazonaws.com/token",
    }


def agent(ready: int) -> dict[str, Any]:
    """Return the agent's DaemonSet, ready on some of two nodes."""
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "name": "eks-pod-identity-agent",
            "labels": {"app.kubernetes.io/name": "eks-pod-identity-agent"},
        },
        "status": {"numberReady": ready, "desiredNumberScheduled": 2},
    }
