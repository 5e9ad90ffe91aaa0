"""Findings of the configuration."""

from collections.abc import Sequence

import pytest

from cloudmart.findings.finding import CheckStatus
from cloudmart.rollout.cluster import KubectlResult, Kubernetes
from tests.doctor.healthy import HealthyShop, told

FAIL, WARN = CheckStatus.FAIL, CheckStatus.WARN


@pytest.mark.parametrize(
    ("key", "status", "name", "value", "observed"),
    [
        (
            *("settings-filled-in", FAIL, "AZURE_API_KEY", "changeme"),
            "AZURE_API_KEY is a placeholder (8 characters), from environment",
        ),
        ("settings-complete", FAIL, "BEDROCK_AGENT_ID", "Q8ZP3R7LKM", "BEDROCK_AGENT_ALIAS_ID"),
        ("settings-well-formed", FAIL, "PORT", "http", "PORT"),
        ("settings-known", WARN, "OPENAI_APIKEY", "x", "OPENAI_APIKEY, from environment"),
        ("settings-current", WARN, "OPENAI_ASSISTANT_ID", "asst_1", "OPENAI_ASSISTANT_ID"),
        ("aws-settings-usable", FAIL, "AWS_RETRY_MODE", "often", "AWS_RETRY_MODE is 'often'"),
        ("region-set", FAIL, "AWS_REGION", "", "AWS_REGION is not set"),
        ("access-decided", FAIL, "AUTH", "", "AUTH is not set"),
        ("access-on", WARN, "AUTH", "off", "AUTH is off"),
    ],
)
async def test_a_wrong_variable_is_reported(  # noqa: PLR0913, PLR0917 - a column each
    shop: HealthyShop, key: str, status: CheckStatus, name: str, value: str, observed: str
) -> None:
    shop.environ[name] = value

    found = await shop.look("configuration")

    assert told(found, key, status).startswith(observed)


async def test_a_secret_that_cannot_be_read_is_reported(shop: HealthyShop) -> None:
    shop.environ["CLOUDMART_SECRET_ID"] = "cloudmart/production"  # noqa: S105 - a name
    shop.parts["unread"] = "The secret does not exist."

    found = await shop.look("configuration")

    assert told(found, "settings-readable", FAIL) == "The secret does not exist."
    assert "describe-secret --secret-id cloudmart/production" in found["settings-readable"].fix
    assert told(found, "access-decided", CheckStatus.SKIP) == "settings-readable failed"


async def test_files_that_are_newer_than_the_environment_are_reported(shop: HealthyShop) -> None:
    shop.environ["AWS_REGION"] = "eu-west-1"

    found = await shop.look("mounted-files-agree")

    observed = "AWS_REGION: the file and the environment differ"
    assert told(found, "mounted-files-agree", FAIL) == observed
    assert (
        "kubectl rollout restart deployment/cloudmart-backend" in found["mounted-files-agree"].fix
    )


@pytest.mark.parametrize(
    ("key", "reference"),
    [
        ("secret-exists", "secret/cloudmart-api-keys"),
        ("configmaps-exist", "configmap/cloudmart-config"),
    ],
)
async def test_an_object_with_settings_that_is_missing_is_reported(
    shop: HealthyShop, key: str, reference: str
) -> None:
    # The name of a ConfigMap ends in a digest of its content.
    (name,) = (each for each in shop.cluster.objects if each.startswith(reference))
    del shop.cluster.objects[name]

    found = await shop.look("configuration")

    assert told(found, key, FAIL) == f"{name} is not there"


async def test_a_key_that_nobody_reads_is_reported(shop: HealthyShop) -> None:
    shop.cluster.live("secret/cloudmart-api-keys")["data"]["OPENAI_APIKEY"] = "eA=="

    found = await shop.look("secret-keys-read")

    assert told(found, "secret-keys-read", WARN) == "nothing reads OPENAI_APIKEY"


async def test_pods_of_two_rollouts_are_reported(shop: HealthyShop) -> None:
    shop.add_pod(**{"cloudmart/rollout-id": "another"})

    found = await shop.look("rollout-ids-agree")

    assert "pod-2 has another" in told(found, "rollout-ids-agree", WARN)


async def test_pods_with_two_configurations_are_reported(shop: HealthyShop) -> None:
    shop.add_pod()
    shop.says("pod-2", notes=["configuration 000000000000"])

    found = await shop.look("fingerprints-agree")

    assert "pod-2 has configuration 000000000000" in told(found, "fingerprints-agree", WARN)


async def test_a_right_that_is_missing_is_named(shop: HealthyShop) -> None:
    shop.cluster.scenario.forbidden.append("get pods")

    found = await shop.look("rollout-ids-agree")

    observed = told(found, "rollout-ids-agree", CheckStatus.UNKNOWN)
    assert observed == "the right to get pods in the namespace default is missing"
    assert "k8s/doctor-role.yaml" in found["rollout-ids-agree"].fix


async def test_a_cluster_that_is_away_is_reported(shop: HealthyShop) -> None:
    shop.cluster.scenario.away = True

    found = await shop.look("kubernetes")

    assert "Unable to connect" in told(found, "kubernetes-reachable", FAIL)
    assert told(found, "deployment-exists", CheckStatus.SKIP) == "kubernetes-reachable failed"


async def test_a_cluster_without_the_service_is_reported(shop: HealthyShop) -> None:
    del shop.cluster.objects["deployment/cloudmart-backend"]

    found = await shop.look("deployment-exists")

    assert told(found, "deployment-exists", FAIL) == "there is none in the namespace default"


async def test_where_kubectl_names_no_cluster_nothing_is_asked_of_one(shop: HealthyShop) -> None:
    def nowhere(_: Sequence[str], __: str | None) -> KubectlResult:
        noise = "E1128 memcache.go:265] Unhandled Error\n"
        error = f"{noise}error: current-context must exist in order to minify\n"
        return KubectlResult(1, "", error)

    shop.on_a_laptop()
    shop.parts["cluster"] = Kubernetes(nowhere, "default")

    found = await shop.look("kubernetes", "identity")

    reason = "kubectl names no cluster: error: current-context must exist in order to minify"
    for key in ("kubernetes-reachable", "deployment-exists", "role-exists"):
        assert told(found, key, CheckStatus.SKIP) == reason
