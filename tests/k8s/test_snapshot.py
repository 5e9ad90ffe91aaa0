"""The reviewed manifests of production: each change of them shows in a diff."""

from pathlib import Path

import pytest
import yaml

from k8s.kustomize import Rendered, main
from tests.k8s.conftest import needs_kubectl

KEPT = Path(__file__).parent / "production.yaml"


def test_production_renders_to_what_was_reviewed(
    production: Rendered, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("write_snapshots"):
        KEPT.write_text(production.text, "utf-8")

    assert production.manifests == list(yaml.safe_load_all(KEPT.read_text("utf-8")))


@needs_kubectl
def test_an_environment_is_printed_as_a_roll_out_applies_it(
    production: Rendered, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["production"]) == 0
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == production.manifests

    assert main(["local"]) == 2
    assert capsys.readouterr().err == "Which environment? One of: staging, production\n"
