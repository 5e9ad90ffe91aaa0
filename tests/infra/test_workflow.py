"""The GitHub Actions workflow: the same commands as for a person, and no rights beyond them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / ".github" / "workflows" / "ci.yaml").read_text("utf-8")
# As text, because YAML 1.1 reads `on` as true.
WORKFLOW: dict[str, Any] = yaml.load(TEXT, yaml.BaseLoader)  # noqa: S506 - reads texts alone
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]
SCRIPTS = [step["run"] for step in STEPS if "run" in step]


def test_what_is_checked_is_what_everybody_runs() -> None:
    assert any("bash .ci/run" in script for script in SCRIPTS)
    assert JOBS["publish"]["needs"] == "check"


def test_an_image_is_published_for_a_tag_alone() -> None:
    assert JOBS["publish"]["if"] == "github.ref_type == 'tag'"
    assert WORKFLOW["on"].keys() == {"push", "pull_request"}
    assert WORKFLOW["on"]["push"]["tags"] == ["v[0-9]*"]


def test_no_job_has_a_right_that_it_does_not_need() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "check": {"contents": "read"},
        "publish": {
            "contents": "read",
            "packages": "write",
            "id-token": "write",
            "attestations": "write",
        },
    }


@pytest.mark.parametrize(
    "step", [step for step in STEPS if "uses" in step], ids=lambda s: s["uses"]
)
def test_an_action_is_named_by_its_commit(step: dict[str, Any]) -> None:
    assert re.fullmatch(r"actions/\w+@[0-9a-f]{40}", step["uses"])
    if step["uses"].startswith("actions/checkout"):
        assert step["with"] == {"persist-credentials": "false"}


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_script_is_made_of_what_others_may_write(script: str) -> None:
    assert "${{" not in script


def test_the_image_has_its_bill_of_materials_and_its_provenance() -> None:
    signed = [step["with"] for step in STEPS if step.get("uses", "").startswith("actions/attest@")]
    build = next(script for script in SCRIPTS if "buildx build" in script)
    makefile = (ROOT / "Makefile").read_text("utf-8")

    assert "--provenance=mode=max" in build
    assert [step.get("sbom-path") for step in signed] == [None, "dist/sbom.cdx.json"]
    assert {step["subject-digest"] for step in signed} == {"${{ steps.push.outputs.digest }}"}
    assert "make sbom" in SCRIPTS
    assert "--output-file dist/sbom.cdx.json" in makefile
