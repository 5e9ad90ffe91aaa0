"""What is refused, or warned of, before anything is changed."""

from typing import Any

import pytest

from tests.k8s.conftest import needs_kubectl
from tests.support.overlays import FILLED
from tests.support.rollouts import SECRETS, Ended, Rig, of_before, secret, storefront

pytestmark = needs_kubectl

HERE = "kubectl --namespace default"


def refused(ended: Ended) -> str:
    """Return the messages, and check that nothing was changed."""
    assert ended.code == 1, ended.told
    assert ended.changes == []
    assert ended.told.splitlines()[-3:-1] == [
        "== Nothing was changed.",
        "== Not rolled out: production.",
    ]
    return ended.told


def test_a_namespace_that_is_not_there_is_reported_with_how_to_make_it(rig: Rig) -> None:
    del rig.cluster.objects["namespace/default"]

    told = refused(rig.run())

    assert "There is no namespace default." in told
    assert f"`{HERE} create namespace default`" in told
    assert f"`{HERE} label namespace default elbv2.k8s.aws/pod-readiness-gate-inject" in told
    assert "`make k8s-secret ENV=production`" in told


def test_what_is_still_to_be_filled_in_is_reported(rig: Rig) -> None:
    rig.complaints = "tag is a placeholder"

    assert "tag is a placeholder" in refused(rig.run())
    assert rig.cluster.calls == []


def test_a_secret_that_is_not_there_is_reported(rig: Rig) -> None:
    del rig.cluster.objects["secret/cloudmart-api-keys"]

    assert "There is no Secret cloudmart-api-keys" in refused(rig.run())


def test_an_unreadable_secret_is_not_reported_as_missing(rig: Rig) -> None:
    rig.cluster.scenario.forbidden = ["get secret"]

    told = refused(rig.run())

    assert "The Secret cloudmart-api-keys may not be read" in told
    assert 'User "deployer" cannot get resource "secret"' in told


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"OPENAI_API_KEY": "<your-openai-api-key>"}, "OPENAI_API_KEY is a placeholder."),
        ({"AZURE_API_KEY": "<your-azure-api-key>"}, "AZURE_API_KEY is a placeholder."),
        ({"ADMIN_USERS": ""}, "ADMIN_USERS is not set although AUTH is `basic`."),
    ],
)
def test_values_of_the_secret_are_judged_first(rig: Rig, values: dict[str, str], told: str) -> None:
    rig.cluster.put(secret({**SECRETS, **values}))

    assert f"Secret cloudmart-api-keys: {told}" in refused(rig.run())


def test_a_value_of_the_secret_that_is_not_text_is_reported(rig: Rig) -> None:
    rig.cluster.live("secret/cloudmart-api-keys")["data"]["OPENAI_API_KEY"] = "/w=="

    assert "the value of OPENAI_API_KEY is no text" in refused(rig.run())


def test_keys_that_no_pod_reads_are_named(rig: Rig) -> None:
    rig.cluster.put(secret({**SECRETS, "OPENAI_APIKEY": "sk"}))

    ended = rig.run()

    assert ended.code == 0, ended.told
    assert "OPENAI_APIKEY, which this release does not read; did you mean OPENAI_" in ended.told
    assert "holds GCP_SERVICE_ACCOUNT_KEY, which this release does not read." in ended.told


@pytest.mark.parametrize("key", ["OPENAI_ASSISTANT_ID", "GCP_SERVICE_ACCOUNT_KEY"])
def test_a_key_that_the_older_pods_read_must_be_there(rig: Rig, key: str) -> None:
    rig.cluster.put(*of_before())
    del rig.cluster.live("secret/cloudmart-api-keys")["data"][key]

    told = refused(rig.run())

    assert f"The pods that run now read {key} of the secret cloudmart-api-keys" in told
    assert f"""{HERE} patch secret cloudmart-api-keys --type merge --patch '{{"data": """ in told


def test_a_config_map_that_the_older_pods_read_must_be_there(rig: Rig) -> None:
    assert rig.run().code == 0
    (config,) = (each for each in rig.cluster.objects if "/cloudmart-config-" in each)
    del rig.cluster.objects[config]

    told = rig.run().told

    assert f"read the configmap {config.partition('/')[2]}, which is not there" in told


@pytest.mark.parametrize(
    ("forbidden", "told"),
    [
        ("write job", 'cannot patch resource "jobs"'),
        ("write serviceaccount", 'cannot patch resource "serviceaccounts"'),
        ("write ingress", 'cannot patch resource "ingresss"'),
        ("delete jobs", "You may not delete jobs in the namespace default"),
        ("get pods/log", "You may not get pods/log in the namespace default"),
    ],
)
def test_a_right_that_is_missing_is_named_before_the_first_change(
    rig: Rig, forbidden: str, told: str
) -> None:
    rig.cluster.scenario.forbidden = [forbidden]

    assert told in refused(rig.run())


def test_all_rights_that_are_missing_are_named_together(rig: Rig) -> None:
    rig.cluster.put(*of_before())
    rig.cluster.scenario.forbidden = [
        *("write lease", "create leases.coordination.k8s.io"),
        *("write job", "write deployment", "write service", "get services", "delete jobs"),
        *("get secret", "get serviceaccounts"),
    ]

    told = refused(rig.run())

    for missing in ("create leases.coordination.k8s.io", "get serviceaccounts", "delete jobs"):
        assert f"You may not {missing} in the namespace default: ask for that right." in told
    assert "The Secret cloudmart-api-keys may not be read" in told
    assert 'cannot patch resource "jobs"' in told
    for kind in ("deployments", "services"):
        assert (
            f'== Error from server (Forbidden): {kind} is forbidden: User "deployer" cannot patch '
            f'resource "{kind}" in the namespace "default"\n'
        ) in told
    assert "error when" not in told


def test_no_right_on_namespaces_is_not_a_reason_to_refuse(rig: Rig) -> None:
    rig.cluster.scenario.forbidden = ["get namespace"]

    ended = rig.run()

    assert ended.code == 0, ended.told
    assert "Whether the readiness gate is on cannot be seen" in ended.told


def test_a_cluster_that_does_not_answer_is_reported_as_such(rig: Rig) -> None:
    rig.cluster.scenario.away = True

    assert "Unable to connect to the server" in refused(rig.run())


def test_a_namespace_without_readiness_gates_is_warned_of(rig: Rig) -> None:
    rig.cluster.live("namespace/default")["metadata"]["labels"] = {}

    assert "Pods are called ready before the load balancer knows them." in rig.run().told


def account(role: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "cloudmart-backend-sa",
            "namespace": "default",
            "annotations": {"eks.amazonaws.com/role-arn": role},
        },
    }


def test_a_cluster_of_another_account_is_not_taken_for_the_right_one(rig: Rig) -> None:
    rig.cluster.put(account("arn:aws:iam::999999999999:role/cloudmart-eks-pod-role"))

    told = refused(rig.run())

    assert "is of the AWS account 999999999999, and operator.yaml says 210987654321" in told


def test_another_role_than_in_operator_yaml_is_reported_with_two_remedies(rig: Rig) -> None:
    rig.cluster.put(account("arn:aws:iam::210987654321:role/another"))

    told = refused(rig.run())

    assert "Correct the role in operator.yaml" in told
    assert f"`{HERE} annotate --overwrite serviceaccount/cloudmart-backend-sa " in told


def test_a_storefront_that_is_not_there_is_reported(rig: Rig) -> None:
    del rig.cluster.objects["service/cloudmart-frontend"]

    assert "There is no Service cloudmart-frontend" in refused(rig.run())


def test_a_port_that_the_storefront_lacks_is_reported(rig: Rig) -> None:
    rig.cluster.put(*storefront(80))

    told = refused(rig.run())

    assert "has no port 8080. It has 80: correct `frontend-port` in operator.yaml." in told


def test_a_storefront_without_a_ready_pod_is_reported_and_can_be_skipped(rig: Rig) -> None:
    rig.cluster.put(*storefront(8080, ready=False))
    rig.pages["/"] = (503, "no targets")

    told = refused(rig.run())
    passed = rig.run(storefront=False)

    assert "No pod is ready behind the Service cloudmart-frontend" in told
    assert passed.code == 0, passed.told


def policy() -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "cloudmart-backend-policy", "namespace": "default"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "cloudmart-backend"}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{}],
        },
    }


def ingress(service: str) -> dict[str, Any]:
    backend = {"service": {"name": service, "port": {"number": 80}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "second", "namespace": "default"},
        "spec": {"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]},
    }


def autoscaler() -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "second", "namespace": "default"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "cloudmart-backend"}},
    }


def budget() -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "second", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "cloudmart-backend"}}},
    }


def config(name: str, text: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": text}}


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (policy(), "networkpolicy/cloudmart-backend-policy lets everybody in"),
        (ingress("cloudmart-backend"), "ingress/second leads to cloudmart-backend as well"),
        (ingress("cloudmart-frontend"), "ingress/second leads to cloudmart-frontend as well"),
        (autoscaler(), "horizontalpodautoscaler/second scales the Deployment as well"),
        (budget(), "poddisruptionbudget/second covers the pods of the backend as well"),
        (config("waf-rules-config", "[]"), "configmap/waf-rules-config is read by nothing."),
        (
            config("prometheus", "scrape_configs: [{targets: ['cloudmart-backend:5000']}]"),
            "configmap/prometheus has a scrape job for the backend (a).",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else each["kind"],
)
def test_what_is_left_of_before_is_named_before_and_after(
    rig: Rig, left: dict[str, Any], told: str
) -> None:
    rig.cluster.put(left)

    ended = rig.run()

    assert ended.code == 0, ended.told
    assert ended.told.count(f"!! {told}") == 2
    if left["kind"] != "ConfigMap":
        kind = left["kind"].lower()
        assert f"`{HERE} delete {kind}/{left['metadata']['name']}`" in ended.told


def test_pods_that_two_would_scrape_are_named(rig: Rig) -> None:
    rig.cluster.put(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PodMonitor",
            "metadata": {"name": "cloudmart-backend", "namespace": "default"},
            "spec": {"selector": {"matchLabels": {"app": "cloudmart-backend"}}},
        }
    )

    assert "!! podmonitor/cloudmart-backend scrapes the pods, and their annotations" in (
        rig.run().told
    )


def test_an_object_that_a_release_no_longer_has_is_named(rig: Rig) -> None:
    assert rig.run().code == 0
    former = {**rig.cluster.live("networkpolicy/cloudmart-backend")}
    former["metadata"] = {**former["metadata"], "name": "cloudmart-former"}
    former["spec"] = {**former["spec"], "podSelector": {"matchLabels": {"app": "former"}}}
    rig.cluster.put(former)

    ended = rig.run()

    assert "networkpolicy/cloudmart-former is of an earlier release" in ended.told


def test_the_context_that_was_named_is_in_every_command(rig: Rig) -> None:
    rig.cluster.put(*of_before(), policy())
    rig.cluster.live("namespace/default")["metadata"]["labels"] = {}
    rig.cluster.scenario.unready = [FILLED["tag"]]

    told = rig.run(context="shop").told

    commands = [line for line in told.replace("`", "\n").splitlines() if "kubectl " in line]
    assert len(commands) > 8
    assert all("kubectl --context shop --namespace default " in each for each in commands)
