"""No two environments share what must belong to each alone."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from k8s.check import complaints
from k8s.kustomize import OVERLAYS, Rendered
from k8s.sharing import Resource, resources, shared
from tests.k8s.conftest import needs_kubectl
from tests.support.overlays import ROOT, fill

ENVIRONMENTS = [each.parent for each in sorted(OVERLAYS.glob("*/kustomization.yaml"))]
STACKS = sorted((ROOT / "infra").glob("pipeline.*.env"))
ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/9FCEB02D0AE5"


@needs_kubectl
def test_as_shipped_no_two_environments_share_anything() -> None:
    found = {overlay.name: resources(overlay) for overlay in ENVIRONMENTS}

    assert {"local", "staging", "production"} <= found.keys()
    assert shared(found) == []
    kinds = {each.kind for each in found["production"]}
    assert {"the table", "the role", "the host", "the Lambda function"} <= kinds


def test_no_two_stacks_of_the_pipeline_share_a_function_a_dataset_or_a_table() -> None:
    stacks = {each.name: dict(re.findall(r"(\w+)=(\S+)", each.read_text())) for each in STACKS}
    template = yaml.load((ROOT / "infra/pipeline.yaml").read_text(), yaml.BaseLoader)  # noqa: S506

    functions = [stack["FunctionName"] for stack in stacks.values()]
    rows = [(stack["BigQueryDataset"], stack["BigQueryTable"]) for stack in stacks.values()]
    products = [stack["ProductsTable"] for stack in stacks.values()]
    for each in (functions, rows, products):
        assert len(set(each)) == len(STACKS)
    assert all(stack.keys() <= template["Parameters"].keys() for stack in stacks.values())


@needs_kubectl
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_pipeline_of_an_environment_is_about_its_tables(environment: str) -> None:
    stack = dict(
        re.findall(r"(\w+)=(\S+)", (ROOT / f"infra/pipeline.{environment}.env").read_text())
    )
    named = {each.name for each in resources(OVERLAYS / environment) if each.kind == "the table"}

    assert stack["ProductsTable"] in named
    assert stack["FunctionName"].endswith(environment)


@needs_kubectl
@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            "RATE_LIMIT_STORAGE=redis://cache:6379/2",
            "the Redis database cache:6379/2",
        ),
        (
            # The transport of the tables belongs to no environment.
            "PIPELINE_FUNCTION=carry\nDYNAMODB_TRANSPORT=direct\nDYNAMODB_TIMEOUT=3",
            "the Lambda function carry (account 2",
        ),
        ("PIPELINE_QUARANTINE_BUCKET=kept", "the quarantine bucket kept"),
        (
            "GOOGLE_CLOUD_PROJECT_ID=shop-4711\nBIGQUERY_DATASET_ID=a\nBIGQUERY_TABLE_ID=b",
            "the BigQuery table shop-4711.a.b",
        ),
    ],
)
def test_what_two_environments_share_is_named(manifests: Path, lines: str, told: str) -> None:
    overlays = manifests / "overlays"
    for name in ("staging", "production"):
        own = {"role": f"{name}-a", "tables_role": f"{name}-b", "host": f"{name}.cloudmart.dev"}
        file = fill(overlays / name, **own) / "settings.env"
        kept = re.sub(r"(?m)^PIPELINE_FUNCTION=.*$", "", file.read_text("utf-8"))
        file.write_text(f"{kept}{lines}\n", "utf-8")

    (found,) = complaints(overlays / "production")

    assert found.startswith(f"k8s/overlays/production: production and staging share {told}")
    assert found.endswith(": give each its own.")


@needs_kubectl
def test_a_redis_that_only_the_keys_name_is_compared_without_its_password(manifests: Path) -> None:
    overlays = manifests / "overlays"
    for name in ("staging", "production"):
        own = {"role": f"{name}-a", "tables_role": f"{name}-b", "host": f"{name}.cloudmart.dev"}
        address = f"rediss://:{name}-word@cache.internal:6379/0"
        (fill(overlays / name, **own) / "secret.env").write_text(f"RATE_LIMIT_STORAGE={address}\n")

    (found,) = complaints(overlays / "production")

    assert "share the Redis database cache.internal:6379/0: give each its own." in found


@needs_kubectl
def test_a_copy_of_an_overlay_shares_tables_roles_and_names(manifests: Path) -> None:
    overlays = manifests / "overlays"
    fill(overlays / "production")
    fill(overlays / "staging")

    found = "\n".join(complaints(overlays / "production"))

    assert "the role cloudmart-eks-pod-role (account 210987654321)" in found
    assert "the host shop.cloudmart.dev" in found
    assert "the table" not in found


def test_two_accounts_may_use_the_same_names() -> None:
    one = frozenset({Resource("the table", "cloudmart-orders", " (account 1, eu-central-1)")})
    other = frozenset({Resource("the table", "cloudmart-orders", " (account 2, eu-central-1)")})

    assert shared({"staging": one, "production": other}) == []


def test_local_is_in_a_namespace_that_it_brings(local: Rendered) -> None:
    (namespace,) = local.of_kind("Namespace")
    others = {
        each["metadata"]["namespace"] for each in local.manifests if each["kind"] != "Namespace"
    }

    assert others == {namespace["metadata"]["name"]} == {"cloudmart-local"}
    text = (OVERLAYS / "local" / "kustomization.yaml").read_text("utf-8")
    assert "port-forward --namespace cloudmart-local" in text


@needs_kubectl
def test_the_policies_of_an_environment_are_about_its_own_tables(manifests: Path) -> None:
    overlay = fill(
        manifests / "overlays" / "staging", role="staging-pods", tables_role="staging-job"
    )
    (overlay / "secret.env").write_text(
        "BEDROCK_AGENT_ID=Q8ZP3R7LKM\nBEDROCK_AGENT_ALIAS_ID=TSTALIASID\n"
    )

    ended = _roles(manifests, "staging", ISSUER, "policies")

    assert ended.stderr == ""
    assert ended.stdout.splitlines()[0].startswith("staging-pods: policies/serve.json and ")
    serve, operator, trust = (
        json.loads((manifests.parent / "policies" / f"{name}.json").read_text())
        for name in ("serve", "operator", "serve-trust")
    )
    tables = f"{serve}{operator}"
    assert "table/cloudmart-staging-orders" in tables
    assert "table/cloudmart-orders" not in tables
    assert "agent-alias/Q8ZP3R7LKM/TSTALIASID" in tables
    assert "system:serviceaccount:cloudmart-staging:cloudmart-backend-sa" in str(trust)


def test_without_an_environment_a_message_asks_for_one(manifests: Path) -> None:
    ended = _roles(manifests, "", "", "policies/")

    assert ended.returncode == 2
    assert "make iam-policies ENV=staging ISSUER=https://oidc.eks." in ended.stderr


def _roles(manifests: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "k8s.roles", *words],
        cwd=manifests.parent,
        capture_output=True,
        check=False,
        text=True,
    )
