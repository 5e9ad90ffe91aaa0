"""`cloudmart doctor` as a command: its output, its exit codes, its files."""

import json
import signal
import socket
import subprocess
import sys
import tarfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from cloudmart.cli.commands import app
from cloudmart.cli.ended_by_signals import ended_by_signals
from cloudmart.doctor.bundle import write_bundle
from cloudmart.settings.variables import variables
from tests.doctor.healthy import HealthyShop
from tests.support.cli_process import running

KEY = "sk-proj-9fceb02d0ae598e95dc970b7"
# The environment of a machine without any configuration.
BARE = {"HOME": "/nonexistent", "PATH": "/usr/bin:/bin", "KUBECTL": "/nonexistent/kubectl"}


def run(*words: str, **environ: str) -> Result:
    """Run the command with an environment that has little else."""
    unset: dict[str, str | None] = dict.fromkeys(
        name for each in variables().values() for name in each.names
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "KUBERNETES_SERVICE_HOST"):
        unset[name] = None
    quiet = {"AWS_EC2_METADATA_DISABLED": "true", "KUBECTL": BARE["KUBECTL"]}
    return CliRunner().invoke(app, ["doctor", *words], env={**unset, **quiet, **environ})


def test_without_configuration_it_ends_soon_with_a_message_and_a_few_steps(
    tmp_path: Path,
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cloudmart", "doctor"],
        env={**BARE, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert ended.returncode == 1
    assert ended.stderr == ""
    first, _, steps = ended.stdout.partition("Do this first:\n")
    assert "fail    region-set: AWS_REGION is not set" in first
    assert 1 <= len(steps.splitlines()) <= 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_it_finds_that_in_its_exit_code(number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        environ = {
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        with running("-m", "cloudmart", "doctor", **BARE, **environ) as command:
            waiting, _ = silent.accept()
            with waiting:
                command.send(number)
                ended = command.ended()

    assert (ended.code, ended.err) == (128 + number, "")


def test_a_shell_script_can_end_what_it_runs_in_the_background() -> None:
    # Such a process ignores SIGINT, so that Ctrl-C ends only what is in the foreground.
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(SystemExit) as ended, ended_by_signals():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, former)

    assert ended.value.code == 143


def test_what_is_ignored_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, former)


def test_programs_get_every_finding_and_the_same_exit_code() -> None:
    ended = run("--json")

    document = json.loads(ended.stdout)
    assert ended.exit_code == document["exit"] == 1
    assert sum(document["counts"].values()) == len(document["findings"]) >= 60
    for each in document["findings"]:
        assert set(each) == {"id", "area", "status", "observed", "why", "fix", "docs"}
        assert each["observed"] or each["status"] == "pass", each


def test_all_findings_are_listed_and_nothing_is_looked_at() -> None:
    ended = run("--list")

    assert ended.exit_code == 0
    assert len(ended.stdout.splitlines()) >= 60


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--phase", "tomorrow"), "There is no phase 'tomorrow'"),
        (("--only", "kitchen"), "There is no finding and no area 'kitchen'"),
        (("--demote", "kitchen-clean"), "There is no finding 'kitchen-clean' to demote"),
    ],
)
def test_what_there_is_not_is_wrong_usage(words: tuple[str, ...], sentence: str) -> None:
    ended = run(*words)

    assert ended.exit_code == 2
    assert sentence in ended.stderr


def test_a_finding_that_is_demoted_is_a_warning() -> None:
    words = ("--only", "region-set,access-decided", "--demote", "region-set")
    fine = {"AUTH": "off", "ENVIRONMENT": "staging"}

    assert run(*words[:2], **fine).exit_code == 1
    assert run(*words, **fine).exit_code == 0
    assert run(*words, "--strict", **fine).exit_code == 4


def test_a_file_that_cannot_be_written_is_not_a_finding(tmp_path: Path) -> None:
    ended = run("--only", "region-set", "--junit", str(tmp_path / "no" / "file.xml"))

    assert ended.exit_code == 3
    assert "No such file" in ended.stderr


def test_junit_has_what_the_lines_have(tmp_path: Path) -> None:
    file = tmp_path / "findings.xml"

    ended = run("--only", "configuration", "--junit", str(file))

    root = ET.fromstring(file.read_text())  # noqa: S314 - our own
    assert ended.exit_code == 1
    assert [each.get("name") for each in root] == ["doctor.configuration"]


def test_a_phase_has_its_own_findings() -> None:
    ids = {
        phase: {line.split()[1] for line in run("--list", "--phase", phase).stdout.splitlines()}
        for phase in ("pre", "during", "post")
    }

    assert "oidc-provider-exists" in ids["pre"] - ids["during"]
    assert "rollout-complete" in ids["during"] - ids["pre"]
    assert "pipeline-lag" in ids["post"] - ids["pre"]


def test_no_secret_is_shown(tmp_path: Path) -> None:
    bundle = tmp_path / "doctor.tgz"
    ended = run(
        *("--json", "--only", "configuration", "--bundle", str(bundle)),
        OPENAI_API_KEY=KEY,
        AWS_REGION="eu-central-1",
        AUTH="off",
    )

    assert KEY not in ended.output
    with tarfile.open(bundle) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file
            assert KEY not in file.read().decode()
    assert bundle.stat().st_mode & 0o777 == 0o600


def test_a_bundle_has_what_the_cluster_shows_without_keys_and_addresses(
    shop: HealthyShop, tmp_path: Path
) -> None:
    shop.cluster.scenario.logs["*"] = f"key {KEY} of ann@example.org"
    bundle = tmp_path / "doctor.tgz"

    write_bundle(bundle, shop.target(), "{}")

    with tarfile.open(bundle) as archive:
        names = archive.getnames()
        texts = [file.read().decode() for each in archive if (file := archive.extractfile(each))]
    assert "cloudmart-doctor/pods.yaml" in names
    for text in texts:
        for secret in (KEY, "ann@example.org", shop.environ["ADMIN_USERS"]):
            assert secret not in text
