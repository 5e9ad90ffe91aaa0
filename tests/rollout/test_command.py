"""`cloudmart rollout` and `k8s/rollout.sh` as programs: arguments, interruption, output."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import pytest
import yaml

from cloudmart.rollout.release import find_kubectl
from tests.k8s.conftest import needs_kubectl
from tests.support.api_server import Object
from tests.support.fake_cluster import FakeCluster
from tests.support.overlays import FILLED, ROOT
from tests.support.rollouts import Rig, of_before

pytestmark = needs_kubectl
_FAKE = "tests.support.fake_kubectl"


@pytest.fixture
def environ(rig: Rig, tmp_path: Path) -> dict[str, str]:
    """Provide the environment of a machine whose kubectl is the fake."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m {_FAKE} "$@"\n')
    program.chmod(0o755)
    kept = tmp_path / "cluster.json"
    rig.cluster.put(*of_before())
    kept.write_text(rig.cluster.text())
    return {
        **os.environ,
        "KUBECTL": str(program),
        "REAL_KUBECTL": str(find_kubectl()),
        "FAKE_CLUSTER": str(kept),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PYTHON": sys.executable,
    }


def called(*words: str, environ: dict[str, str] | None = None, cwd: Path = ROOT) -> "Called":
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "cloudmart", "rollout", *words],
        capture_output=True,
        check=False,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), **(environ or os.environ)},
        text=True,
    )


Called = subprocess.CompletedProcess[str]


def folder(rig: Rig) -> str:
    return str(rig.overlay.parents[1])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["local"],
        ["production", "--timeout", ""],
        ["production", "--timeout", "soon"],
        ["production", "--timeout", "0"],
        ["production", "--context", ""],
        ["production", "--url", ""],
        ["production", "--url", "shop.example.org"],
        ["production", "staging"],
        ["production", "--manifests", "/nowhere"],
    ],
)
def test_it_refuses_to_be_called_wrongly(words: list[str]) -> None:
    ended = called(*words)

    assert ended.returncode == 2
    assert ended.stderr
    assert "Traceback" not in ended.stderr


def test_elsewhere_it_says_where_it_finds_manifests(tmp_path: Path) -> None:
    ended = called("production", "--manifests", str(tmp_path))

    assert ended.returncode == 2
    assert "is not the folder k8s/ of a checkout" in ended.stderr


def test_a_dry_run_calls_no_cluster_and_says_so(rig: Rig, environ: dict[str, str]) -> None:
    options = ("--dry-run", "--context", "shop", "--manifests", folder(rig))

    ended = called("production", *options, environ=environ)

    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.splitlines()[-1] == "== Dry run: nothing was changed."
    assert FakeCluster.read(Path(environ["FAKE_CLUSTER"]).read_text()).calls == []
    would = [line for line in ended.stderr.splitlines() if line.startswith("+ ")]
    assert all(each.startswith("+ kubectl --context shop --namespace default ") for each in would)


def test_without_kubectl_it_says_how_to_get_one(
    rig: Rig, environ: dict[str, str], tmp_path: Path
) -> None:
    # A checkout without `make kubectl`.
    shutil.copytree(ROOT / "cloudmart", tmp_path / "cloudmart")
    environ |= {"KUBECTL": "no-such-kubectl", "PYTHONPATH": str(tmp_path)}

    ended = called("production", "--manifests", folder(rig), environ=environ)

    assert ended.returncode == 1, ended.stderr
    assert "kubectl is not installed: `make kubectl` brings one." in ended.stderr
    assert "Nothing was changed." in ended.stderr


def test_the_script_of_the_checkout_is_the_same_program(environ: dict[str, str]) -> None:
    ended = subprocess.run(  # noqa: S603 - our own script
        [str(ROOT / "k8s" / "rollout.sh"), "--dry-run", "production"],
        capture_output=True,
        check=False,
        cwd="/",
        env=environ,
        text=True,
    )

    assert ended.returncode == 1
    assert "k8s/overlays/production/operator.yaml: tag is a placeholder" in ended.stderr


def test_the_script_says_what_to_do_where_nothing_is_installed() -> None:
    ended = subprocess.run(  # noqa: S603 - our own script
        [str(ROOT / "k8s" / "rollout.sh"), "production"],
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHON": "/nowhere/python"},
        text=True,
    )

    assert ended.returncode == 2
    assert "`make setup`" in ended.stderr


def test_a_program_reads_one_document(rig: Rig, environ: dict[str, str]) -> None:
    options = ("--json", "--url", rig.url, "--manifests", folder(rig), "--skip-tables")
    # The fake cluster's file has what is running; no server of this test reads it.
    ended = called("production", *options, "--answers-within", "1", environ=environ)

    document = json.loads(ended.stdout)
    assert document["exitCode"] == ended.returncode == 1
    assert document["environment"] == "production"
    assert document["tag"] == FILLED["tag"]
    (report,) = (Path(environ["XDG_STATE_HOME"]) / "cloudmart" / "rollouts").iterdir()
    assert json.loads(report.read_text())["outcome"] == document["outcome"]


def test_running_objects_can_be_saved_for_going_back(
    rig: Rig, environ: dict[str, str], tmp_path: Path
) -> None:
    options = ("--manifests", folder(rig), "--save", str(tmp_path / "before.yaml"))
    absent = called("production", *options, environ=environ)
    rig.cluster.put(account(), ingress())
    Path(environ["FAKE_CLUSTER"]).write_text(rig.cluster.text())
    saved = called("production", *options, environ=environ)

    assert absent.returncode == 1
    assert "ingress/cloudmart-production-ingress" in absent.stderr
    assert "is not there: nothing was written" in absent.stderr
    assert saved.returncode == 0, saved.stderr
    objects = {each["kind"]: each for each in yaml.safe_load_all(_text(tmp_path / "before.yaml"))}
    assert objects.keys() == {"ServiceAccount", "Deployment", "Service", "Ingress"}
    assert objects["Deployment"]["spec"]["replicas"] == 3


def test_what_was_saved_is_never_written_over(
    rig: Rig, environ: dict[str, str], tmp_path: Path
) -> None:
    rig.cluster.put(account(), ingress())
    Path(environ["FAKE_CLUSTER"]).write_text(rig.cluster.text())
    before, nowhere = tmp_path / "before.yaml", tmp_path / "nowhere" / "before.yaml"
    before.write_text("saved before the cut-over")

    for file, reason in ((before, "File exists"), (nowhere, "No such file or directory")):
        options = ("--manifests", folder(rig), "--save", str(file))
        refused = called("production", *options, environ=environ)

        assert refused.returncode == 1
        assert f"Nothing was saved to {file}: {reason}." in refused.stderr
        assert "Traceback" not in refused.stderr
    assert _text(before) == "saved before the cut-over"


def account() -> Object:
    metadata = {"name": "cloudmart-backend-sa", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def ingress() -> Object:
    metadata = {"name": "cloudmart-production-ingress", "namespace": "default"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": {"rules": []},
    }


def _text(file: Path) -> str:
    return file.read_text("utf-8")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_at_once_and_it_says_what_still_runs(
    rig: Rig, environ: dict[str, str], number: signal.Signals
) -> None:
    rig.cluster.scenario.jobs = {"*": "running"}
    Path(environ["FAKE_CLUSTER"]).write_text(rig.cluster.text())
    options = ("--url", rig.url, "--manifests", folder(rig))
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "cloudmart", "rollout", "production", *options],
        env={**environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        _read_until("is at work", process.stderr)

        # Without the signal it would wait hours for the Job.
        late = threading.Timer(60, process.kill)
        late.start()
        process.send_signal(number)
        told = _read_until("Broken off.", process.stderr)
        rest = process.stderr.read()
        late.cancel()

    assert process.returncode == 3
    assert f"Broken off. job/cloudmart-tables-{FILLED['tag']} may continue." in told
    assert "The pods were not touched." in told + rest
    assert not any("undo" in " ".join(call) for call in _calls(environ))


def _read_until(words: str, stream: IO[str]) -> str:
    return next((line for line in stream if words in line), "")


def _calls(environ: dict[str, str]) -> list[list[str]]:
    return FakeCluster.read(Path(environ["FAKE_CLUSTER"]).read_text()).calls
