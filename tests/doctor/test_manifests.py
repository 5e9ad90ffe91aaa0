"""The Job and the Role of the doctor."""

from pathlib import Path
from typing import Any

import yaml

from tests.doctor.healthy import HealthyShop

K8S = Path(__file__).parents[2] / "k8s"
# A rule names kinds by their plurals; `namespaces` has a separate rule.
_PLURALS = {"ingress": "ingresses", "networkpolicy": "networkpolicies"}


def documents(name: str) -> list[dict[str, Any]]:
    """Return the objects of a file."""
    return list(yaml.safe_load_all((K8S / name).read_text("utf-8")))


def allowed() -> set[tuple[str, str]]:
    """Return what the Roles allow: verb and resource."""
    return {
        (verb, resource)
        for each in documents("doctor-role.yaml")
        for rule in each.get("rules", ())
        for resource in rule.get("resources", ())
        for verb in rule["verbs"]
    }


async def test_the_roles_allow_every_read_of_the_doctor(shop: HealthyShop) -> None:
    await shop.look()

    assert _looked_at(shop.cluster.calls) <= allowed()


def test_the_roles_allow_no_change() -> None:
    assert {verb for verb, _ in allowed()} == {"get", "list"}


def test_the_job_runs_the_doctor_as_the_account_that_the_role_is_bound_to() -> None:
    (job,) = documents("doctor-job.yaml")
    pod = job["spec"]["template"]["spec"]
    account, *_ = documents("doctor-role.yaml")

    assert pod["containers"][0]["command"][:2] == ["cloudmart", "doctor"]
    assert pod["serviceAccountName"] == account["metadata"]["name"] == "cloudmart-doctor-sa"
    bound = [each for each in documents("doctor-role.yaml") if each["kind"].endswith("Binding")]
    assert {each["subjects"][0]["name"] for each in bound} == {"cloudmart-doctor-sa"}


def _looked_at(calls: list[list[str]]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for call in calls:
        words = call[call.index("default") + 1 :]
        match words:
            case ["get", "--raw", path]:
                if "/proxy/" in path:
                    found.add(("get", "pods/proxy"))
            case ["get", kinds, *rest] if not rest or rest[0].startswith("--"):
                found |= {("list", _plural(kind)) for kind in kinds.split(",")}
            case ["get", kind, *_]:
                found.add(("get", _plural(kind)))
            case ["logs", *_]:
                found.add(("get", "pods/log"))
    return found


def _plural(kind: str) -> str:
    return _PLURALS.get(kind, kind if kind.endswith("s") and kind != "ingress" else f"{kind}s")
