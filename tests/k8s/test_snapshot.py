"""Production as it is shipped, kept for a person to review: each change of it shows in a diff."""

from pathlib import Path

import pytest
import yaml

from k8s.kustomize import Rendered

KEPT = Path(__file__).parent / "production.yaml"


def test_production_renders_to_what_was_reviewed(
    production: Rendered, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("write_snapshots"):
        KEPT.write_text(production.text, "utf-8")

    assert production.manifests == list(yaml.safe_load_all(KEPT.read_text("utf-8")))
