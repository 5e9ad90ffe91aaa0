"""The component for a cluster without a storefront: chosen or absent, and what is there already."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from k8s.check import complaints
from k8s.kustomize import ROOT, Manifest, Rendered, render_overlay
from tests.balancer.nginx import NGINX
from tests.k8s.conftest import needs_kubectl, once
from tests.k8s.test_pods import attributes
from tests.support.overlays import STOREFRONT, fill, with_storefront
from tests.support.pod_security import breaches
from tests.support.serve_process import free_port

COMPONENT = ROOT / "components" / "storefront"
NAME = "cloudmart-storefront"


@pytest.fixture
def chosen(filled: Path) -> Rendered:
    """Provide production with the component."""
    return render_overlay(with_storefront(filled))


@needs_kubectl
def test_without_being_chosen_nothing_of_it_is_there(filled: Path) -> None:
    assert NAME not in render_overlay(filled).text


@needs_kubectl
def test_what_is_filled_in_arrives_where_it_belongs(chosen: Rendered) -> None:
    pod = chosen.named("Deployment", NAME)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (port,) = chosen.named("Service", NAME)["spec"]["ports"]
    (rule,) = chosen.named("NetworkPolicy", NAME)["spec"]["ingress"]

    assert container["image"] == STOREFRONT
    assert container["ports"] == [{"name": "http", "containerPort": 8081}]
    assert (port["port"], port["targetPort"]) == (80, 8081)
    assert rule["ports"] == [{"protocol": "TCP", "port": 8081}]
    assert rule["from"] == [{"ipBlock": {"cidr": "10.20.0.0/16"}}]
    told = chosen.named("ConfigMap", NAME)["data"]["listen.conf"]
    assert told == "listen 8081 default_server;\n"


@needs_kubectl
def test_pages_are_routed_to_it_and_the_api_as_before(chosen: Rendered, filled: Path) -> None:
    with_component = _ways(chosen)
    fill(filled)
    file = filled / "kustomization.yaml"
    file.write_text(re.sub(r".*components/storefront\n", "", file.read_text("utf-8")), "utf-8")
    without = _ways(render_overlay(filled))

    assert with_component.pop("/") == {"name": NAME, "port": {"number": 80}}
    assert without.pop("/")["name"] == "cloudmart-frontend"
    assert with_component == without


@needs_kubectl
def test_a_storefront_that_is_there_is_neither_named_nor_selected(chosen: Rendered) -> None:
    names = {each["metadata"]["name"] for each in chosen.manifests}
    selectors = str([each["spec"] for each in chosen.manifests if "spec" in each])

    assert "cloudmart-frontend" not in names
    assert "cloudmart-frontend" not in selectors


@needs_kubectl
def test_its_pods_have_no_permissions_and_no_egress(chosen: Rendered) -> None:
    pod = chosen.named("Deployment", NAME)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    policy = chosen.named("NetworkPolicy", NAME)["spec"]

    assert list(breaches(pod)) == []
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [m["name"] for m in container["volumeMounts"] if "readOnly" not in m] == ["tmp"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy


@needs_kubectl
def test_a_page_is_served_while_its_pods_are_replaced(chosen: Rendered) -> None:
    spec = chosen.named("Deployment", NAME)["spec"]
    labels = spec["template"]["metadata"]["labels"]
    service = chosen.named("Service", NAME)
    target = attributes(service, "target-group-attributes")
    pod = spec["template"]["spec"]
    wait = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert spec["replicas"] > chosen.named("PodDisruptionBudget", NAME)["spec"]["maxUnavailable"]
    assert pod["terminationGracePeriodSeconds"] >= wait + 10
    assert int(target["deregistration_delay.timeout_seconds"]) >= wait
    for each in (spec["selector"]["matchLabels"], service["spec"]["selector"]):
        assert each.items() <= labels.items()
    probes = {
        pod["containers"][0][f"{name}Probe"]["httpGet"]["path"]
        for name in ("readiness", "liveness")
    }
    annotations = service["metadata"]["annotations"]
    assert probes == {annotations["alb.ingress.kubernetes.io/healthcheck-path"]} == {"/healthz"}


@needs_kubectl
def test_an_image_and_the_component_belong_together(filled: Path) -> None:
    fill(filled, storefront_image=STOREFRONT)
    (unused,) = complaints(filled)
    with_storefront(filled)
    both = complaints(filled)
    with_storefront(filled, image="none")
    (missing,) = complaints(filled)

    assert "does not name the component storefront" in unused
    assert both == []
    assert "storefront-image is none, and kustomization.yaml names the component" in missing


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed: `make nginx` brings one")
def test_nginx_serves_the_page_and_nothing_else() -> None:
    with TemporaryDirectory() as directory, _served(Path(directory)) as page:
        start, route = page.get("/"), page.get("/admin/orders")
        asset, lost = page.get("/assets/index-4f2a.js"), page.get("/assets/index-old.js")
        api, well_known = page.get("/api/products"), page.get("/.well-known/agent.json")
        hidden, health = page.get("/.git/config"), page.get("/healthz")
        sent = page.post("/", content=b"x" * 4096)

    assert start.text == route.text == "<title>CloudMart</title>"
    assert start.headers["cache-control"] == "no-cache"
    assert asset.headers["cache-control"] == "max-age=31536000"
    assert [each.status_code for each in (lost, api, well_known, hidden)] == [404] * 4
    assert (health.status_code, health.text) == (200, "ok\n")
    assert sent.status_code == 413
    for answer in (start, asset, lost):
        assert answer.headers["server"] == "nginx"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"


@contextmanager
def _served(directory: Path) -> Iterator[httpx2.Client]:
    """Run nginx with the component's configuration, as the pod's user."""
    port = free_port()
    configuration, pages, temporary = (directory / each for each in ("etc", "pages", "tmp"))
    for each in (configuration, pages / "assets", pages / ".git", temporary):
        each.mkdir(parents=True)
    (pages / "index.html").write_text("<title>CloudMart</title>")
    (pages / "assets" / "index-4f2a.js").write_text("1")
    (pages / ".git" / "config").write_text("secret")
    text = (COMPONENT / "nginx.conf").read_text("utf-8")
    text = text.replace("/tmp/", f"{temporary}/")  # noqa: S108 - the pod's
    text = text.replace("/usr/share/nginx/html", str(pages))
    (configuration / "nginx.conf").write_text(text)
    listen = (COMPONENT / "listen.conf").read_text("utf-8").replace("8080", f"127.0.0.1:{port}")
    (configuration / "listen.conf").write_text(listen)
    (configuration / "api.conf").write_text((COMPONENT / "api.conf").read_text("utf-8"))
    # The pod's user cannot read pytest's own directories.
    directory.chmod(0o755)
    words = [str(NGINX), "-c", str(configuration / "nginx.conf"), "-g", "daemon off;"]
    identity: dict[str, int] = {}
    if os.geteuid() == 0:
        identity = {"user": 101, "group": 101}
        os.chown(temporary, 101, 101)
    running = subprocess.Popen(words, **identity)  # type: ignore[call-overload]  # noqa: S603 - nginx
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            _wait(client)
            yield client
    finally:
        running.terminate()
        assert running.wait(60) == 0


@retry(
    retry=retry_if_exception_type(httpx2.TransportError),
    stop=stop_after_delay(60),
    wait=wait_fixed(0.05),
    reraise=True,
)
def _wait(client: httpx2.Client) -> None:
    client.get("/healthz")


def _ways(rendered: Rendered) -> dict[str, Manifest]:
    (ingress,) = rendered.of_kind("Ingress")
    return {
        way["path"]: way["backend"]["service"]
        for way in ingress["spec"]["rules"][0]["http"]["paths"]
    }


def test_as_shipped_no_environment_has_it() -> None:
    for environment in ("staging", "production"):
        assert NAME not in once(ROOT / "overlays" / environment).text
