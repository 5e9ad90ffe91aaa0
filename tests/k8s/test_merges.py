"""The fake cluster's `apply` gives the same results as a real kubectl and kube-apiserver."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_cluster import FakeCluster

RECORDS = sorted((Path(__file__).parent / "merges").glob("*.json"))
OWN = ("uid", "resourceVersion")
NAMESPACE = {"kind": "Namespace", "metadata": {"name": "merges"}}
"""The folder of the recorded results."""

REVISION = "deployment.kubernetes.io/revision"


def told(step: dict[str, Any]) -> str | None:
    return json.dumps(step["told"]) if step["told"] else None


def compared(made: dict[str, Any]) -> dict[str, Any]:
    kept = json.loads(json.dumps({key: each for key, each in made.items() if key != "status"}))
    metadata = kept["metadata"]
    for name in OWN:
        metadata.pop(name, None)
    annotations = metadata.get("annotations", {})
    annotations.pop(REVISION, None)
    for name, text in annotations.items():
        if name.endswith("last-applied-configuration"):
            annotations[name] = json.loads(text)
    return dict(kept)


@pytest.mark.parametrize("file", RECORDS, ids=lambda file: file.stem)
def test_the_double_applies_as_the_real_ones_do(file: Path) -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE)

    for step in json.loads(file.read_text("utf-8"))["steps"]:
        if step["words"][:2] == ["apply", "--server-side"] or step["words"][0] == "set":
            # The program never uses these commands. Their results are where the next step begins.
            cluster.put(step["after"])
            continue
        answered = cluster(step["words"], told(step))

        assert bool(answered.code) == bool(step["code"]), (step["what"], answered)
        if step["after"]["kind"] != "Job":
            reference = f"{step['after']['kind'].lower()}/shop"
            assert compared(cluster.live(reference)) == compared(step["after"]), step["what"]


def test_what_goes_back_keeps_the_record_and_the_labels_of_what_failed() -> None:
    steps = json.loads((RECORDS[0].parent / "after-an-undo.json").read_text("utf-8"))["steps"]
    before, back = steps[2]["after"]["metadata"], steps[3]["after"]["metadata"]

    assert back["labels"] == before["labels"]
    (record,) = (name for name in back["annotations"] if name.endswith("configuration"))
    assert back["annotations"][record] == before["annotations"][record]
