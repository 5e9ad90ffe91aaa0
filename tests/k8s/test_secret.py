"""`make k8s-secret` creates the Secret if the service can start with the keys."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from cloudmart.settings.variables import variables
from k8s.kustomize import OVERLAYS, Rendered, find_kubectl
from k8s.secret import faults, mounted, secret
from tests.k8s.conftest import needs_kubectl
from tests.settings import good as settings
from tests.support.overlays import ROOT

GOOD = {name: settings.GOOD[name] for name in ("OPENAI_API_KEY", "ADMIN_USERS")}


def test_the_secret_is_the_one_the_pods_mount(public: Rendered) -> None:
    made = secret(public, GOOD)

    pod = public.named("Deployment", "cloudmart-backend")
    (volume,) = (v["secret"] for v in pod["spec"]["template"]["spec"]["volumes"] if "secret" in v)
    assert made["metadata"]["name"] == volume["secretName"]
    assert made["metadata"]["namespace"] == pod["metadata"]["namespace"]
    assert base64.b64decode(made["data"]["OPENAI_API_KEY"]).decode() == GOOD["OPENAI_API_KEY"]


def test_a_key_that_would_keep_the_service_from_starting_is_named(public: Rendered) -> None:
    assert faults(public, GOOD) == []
    assert faults(public, {"OPENAI_API_KEY": "<your-openai-api-key>", "OPENAI_KEY": "sk-1"}) == [
        "OPENAI_KEY is not a setting; did you mean OPENAI_API_KEY?",
        "OPENAI_API_KEY is a placeholder.",
        "ADMIN_USERS is not set although AUTH is `basic`.",
    ]


def test_each_key_that_may_be_secret_is_mounted_by_its_name_and_none_is_waited_for(
    overlay: Rendered,
) -> None:
    pod = overlay.named("Deployment", "cloudmart-backend")["spec"]["template"]["spec"]
    (volume,) = (each["secret"] for each in pod["volumes"] if "secret" in each)
    secrets = {name for each in variables().values() if each.secret for name in each.names}
    example = (OVERLAYS / "secret.env.example").read_text("utf-8")
    offered = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))

    assert volume["optional"] is True
    assert [item["key"] for item in volume["items"]] == [item["path"] for item in volume["items"]]
    assert mounted(overlay) == secrets | offered


def test_a_setting_that_no_pod_reads_from_the_secret_is_sent_to_settings(public: Rendered) -> None:
    assert faults(public, GOOD | {"OPENAI_MODEL": "gpt-6-luna"}) == [
        "OPENAI_MODEL is mounted by no name, so no pod reads it: put it into settings.env."
    ]


@needs_kubectl
def test_the_file_is_read_as_it_stands_and_its_example_is_refused(manifests: Path) -> None:
    file = manifests / "overlays" / "production" / "secret.env"
    absent = _run(manifests)
    shutil.copy(manifests / "overlays" / "secret.env.example", file)
    refused = _run(manifests)
    endpoint = "AZURE_ENDPOINT=https://shop.cognitiveservices.azure.com/"
    admins = f"ADMIN_USERS={GOOD['ADMIN_USERS']}"
    text = f"# Azure's\n{endpoint}\nAZURE_API_KEY='0f1e$HOME#2d3c'\n{admins}\n"
    file.write_text(text, "utf-8")
    taken = _run(manifests)

    assert absent.returncode == refused.returncode == 1
    assert "There is no k8s/overlays/production/secret.env." in absent.stderr
    assert "OPENAI_API_KEY is a placeholder." in refused.stderr
    assert absent.stdout == refused.stdout == ""
    held = json.loads(taken.stdout)["data"]
    assert base64.b64decode(held["AZURE_API_KEY"]) == b"0f1e$HOME#2d3c"
    assert base64.b64decode(held["ADMIN_USERS"]).decode() == GOOD["ADMIN_USERS"]


def test_git_ignores_the_file_with_the_keys() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", "k8s/overlays/production/secret.env"],  # noqa: S607 - git
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert ignored.returncode == 0


def _run(manifests: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "k8s.secret", "production"],
        cwd=manifests.parent,
        env=os.environ | {"KUBECTL": str(find_kubectl())},
        capture_output=True,
        check=False,
        text=True,
    )
