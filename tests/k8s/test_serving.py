"""The process starts with production's environment."""

from pathlib import Path

import httpx2

from cloudmart.settings import Settings
from k8s.kustomize import render_overlay
from tests.k8s.conftest import needs_kubectl
from tests.settings.good import GOOD
from tests.support.serve_process import environment, serving_process


@needs_kubectl
def test_a_pod_of_production_serves_and_shows_the_public_nothing_private(
    stocked: Settings, filled: Path, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "ADMIN_USERS").write_text(GOOD["ADMIN_USERS"], "utf-8")
    told = render_overlay(filled).environment() | {"CLOUDMART_SECRETS_DIR": str(secrets)}
    # The tables, and their endpoint, are those of the test.
    kept = {n: value for n, value in told.items() if not n.startswith(("AWS_", "DYNAMODB_"))}

    with serving_process(environment(stocked, **kept), tmp_path) as pod:
        pod.wait_for(200, "/ready")
        with httpx2.Client(base_url=pod.url, timeout=60) as shop:
            products = shop.get("/api/products").json()
            refused = shop.delete("/api/products/1")
            metrics = shop.get("/metrics", timeout=60)
        scraped = httpx2.get(f"http://127.0.0.1:{pod.metrics_port}/metrics", timeout=60)
        pod.stop()
        code, _ = pod.ended()

    assert [product["id"] for product in products] == ["1", "2"]
    assert refused.status_code == 401
    assert metrics.status_code == 404
    assert "cloudmart_ready 1.0" in scraped.text
    assert code == 0
