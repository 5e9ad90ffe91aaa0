"""The Kubernetes API, asked from inside a pod in the words of kubectl."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from cloudmart.doctor.kubernetes_api import KubernetesApi
from cloudmart.rollout.cluster import KubectlError, KubectlReason, Kubernetes
from tests.support.scripted_server import LoopbackServer, Reply, Request, loopback

POD = {"metadata": {"name": "pod-1"}}


_FORBIDDEN = (
    'secrets "cloudmart-api-keys" is forbidden: User "it" cannot get resource "secrets" in API '
    'group "" in the namespace "shop"'
)
# Answers in the forms of Kubernetes' API reference, by path and query.
_ANSWERS = {
    "/api/v1/namespaces/shop/pods?labelSelector=app%3Dcloudmart-backend": Reply.json(
        200, {"kind": "PodList", "items": [POD]}
    ),
    "/apis/networking.k8s.io/v1/namespaces/shop/ingresses?labelSelector=app%3Dcloudmart-backend": (
        Reply.json(200, {"kind": "IngressList", "items": [POD]})
    ),
    "/api/v1/namespaces/shop/events?fieldSelector=involvedObject.name%3Dpod-1": Reply.json(
        200, {"kind": "EventList", "items": [POD]}
    ),
    "/apis/apps/v1/namespaces/shop/deployments/cloudmart-backend": Reply.json(
        200, {"kind": "Deployment", "metadata": {"name": "it"}}
    ),
    "/apis/apps/v1/namespaces/kube-system/daemonsets": Reply.json(
        200, {"kind": "DaemonSetList", "items": []}
    ),
    "/api/v1/namespaces/shop/pods/pod-1/log?tailLines=5&previous=true": Reply(
        200, {"content-type": "text/plain"}, [b"last words\n"]
    ),
    "/version": Reply.json(200, {"major": "1"}),
    "/api/v1/namespaces/shop/secrets/cloudmart-api-keys": Reply.json(
        403, {"kind": "Status", "message": _FORBIDDEN}
    ),
}


def answer(request: Request) -> Reply:
    """Answer as an API server does."""
    assert request.headers["authorization"] == "Bearer a-token"
    absent = Reply.json(404, {"kind": "Status", "message": "it is not found"})
    return _ANSWERS.get(request.path, absent)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Provide an API server."""
    with loopback() as server:
        server.answer = answer
        yield server


@pytest.fixture
def cluster(server: LoopbackServer) -> Kubernetes:
    """Provide the cluster of a pod in the namespace `shop`."""
    return Kubernetes(KubernetesApi(server.url, lambda: "a-token", httpx2.Client), "shop")


def test_objects_are_listed_by_their_labels_and_know_their_kind(cluster: Kubernetes) -> None:
    pods = cluster.every("pods", "--selector", "app=cloudmart-backend")

    assert pods == [{"kind": "Pod", **POD}]


def test_objects_of_several_kinds_are_listed_together(cluster: Kubernetes) -> None:
    found = cluster.every("ingresses,pods", "--selector", "app=cloudmart-backend")

    assert [each["kind"] for each in found] == ["Ingress", "Pod"]


def test_events_are_listed_by_what_they_are_about(cluster: Kubernetes) -> None:
    found = cluster.every("events", "--field-selector", "involvedObject.name=pod-1")

    assert found == [{"kind": "Event", **POD}]


def test_one_object_is_found_or_is_not_there(cluster: Kubernetes) -> None:
    assert cluster.find("deployment", "cloudmart-backend")
    assert cluster.find("configmap", "nobody") is None


def test_another_namespace_may_be_named(cluster: Kubernetes) -> None:
    assert cluster.every("daemonsets", "--namespace=kube-system") == []


def test_logs_and_raw_paths_are_read(cluster: Kubernetes) -> None:
    assert cluster.do("logs", "pod/pod-1", "--previous", "--tail", "5") == "last words\n"
    assert json.loads(cluster.do("get", "--raw", "/version")) == {"major": "1"}


def test_a_right_that_is_missing_is_named_as_kubectl_names_it(cluster: Kubernetes) -> None:
    with pytest.raises(KubectlError, match='cannot get resource "secrets"') as caught:
        cluster.find("secret", "cloudmart-api-keys")

    assert caught.value.reason is KubectlReason.FORBIDDEN


def test_a_server_that_is_away_is_away(server: LoopbackServer, cluster: Kubernetes) -> None:
    server.stop()

    with pytest.raises(KubectlError) as caught:
        cluster.find("deployment", "cloudmart-backend")

    assert caught.value.reason is KubectlReason.AWAY


def test_it_says_which_cluster_it_is_and_changes_nothing(
    server: LoopbackServer, cluster: Kubernetes
) -> None:
    with pytest.raises(KubectlError, match="is not asked in a pod"):
        cluster.do("delete", "pod", "pod-1")

    assert cluster.where() == f"context this pod's cluster, server {server.url}, namespace shop"
    assert server.requests == []
