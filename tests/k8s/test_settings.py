"""The pods' settings: complete, known, and as the operator filled them in."""

from pathlib import Path
from typing import Any

from cloudmart.settings import load_settings
from cloudmart.settings.load import for_serving
from cloudmart.settings.variables import variables
from k8s.kustomize import Rendered, render_overlay
from tests.k8s.conftest import needs_kubectl
from tests.settings.good import GOOD
from tests.support.overlays import FILLED, fill

# Not a setting: the service reads it to name the pod's namespace in its advice.
FACTS = {"POD_NAMESPACE"}
NEEDED = {
    "ENVIRONMENT",
    "PUBLIC_BASE_URL",
    "AWS_REGION",
    "DYNAMODB_PRODUCTS_TABLE",
    "DYNAMODB_ORDERS_TABLE",
    "DYNAMODB_TICKETS_TABLE",
    "DYNAMODB_CONVERSATIONS_TABLE",
    "CLOUDMART_SECRETS_DIR",
    "CLOUDMART_CONFIG_DIR",
    "TRUSTED_PROXIES",
    "AUTH",
}
SECRETS = {name for each in variables().values() if each.secret for name in each.names}


def names_of(rendered: Rendered) -> list[str]:
    """Return the names of all variables of pods and Jobs, in order."""
    containers = [
        owner["spec"]["template"]["spec"]["containers"][0]
        for owner in rendered.of_kind("Deployment") + rendered.of_kind("Job")
    ]
    return [
        *(variable["name"] for container in containers for variable in container["env"]),
        *rendered.named("ConfigMap", "cloudmart-settings")["data"],
    ]


def test_every_variable_is_a_setting_and_none_is_secret(overlay: Rendered) -> None:
    settings = {name for each in variables().values() for name in each.names}

    assert set(names_of(overlay)) - FACTS <= settings - SECRETS


def test_no_container_names_a_variable_twice(overlay: Rendered) -> None:
    for owner in overlay.of_kind("Deployment") + overlay.of_kind("Job"):
        (container,) = owner["spec"]["template"]["spec"]["containers"]
        names = [variable["name"] for variable in container["env"]]
        assert len(names) == len(set(names))


def test_every_setting_that_is_needed_is_there(public: Rendered) -> None:
    assert public.environment().keys() >= NEEDED


@needs_kubectl
def test_a_filled_in_overlay_is_what_the_service_starts_with(filled: Path, tmp_path: Path) -> None:
    told = render_overlay(filled).environment() | {"CLOUDMART_SECRETS_DIR": str(tmp_path)}
    (tmp_path / "ADMIN_USERS").write_text(GOOD["ADMIN_USERS"])

    loaded = for_serving(load_settings(told))

    assert [fault.sentence for fault in loaded.report.refusals] == []
    assert loaded.settings.environment == "production"
    assert loaded.settings.aws.region == FILLED["region"]
    assert loaded.settings.public_base_url == "https://shop.cloudmart.dev"


@needs_kubectl
def test_what_an_operator_fills_in_arrives_where_it_belongs(filled: Path) -> None:
    rendered = render_overlay(filled)
    (ingress,) = rendered.of_kind("Ingress")
    (job,) = rendered.of_kind("Job")
    annotations = ingress["metadata"]["annotations"]
    image = f"{FILLED['image']}:{FILLED['tag']}"

    assert (
        _role(rendered, "cloudmart-backend-sa")
        == "arn:aws:iam::210987654321:role/cloudmart-eks-pod-role"
    )
    assert (
        _role(rendered, "cloudmart-tables-sa")
        == "arn:aws:iam::210987654321:role/cloudmart-tables-role"
    )
    assert annotations["alb.ingress.kubernetes.io/certificate-arn"] == FILLED["certificate"]
    assert annotations["alb.ingress.kubernetes.io/wafv2-acl-arn"] == FILLED["web-acl"]
    assert ingress["spec"]["rules"][0]["host"] == FILLED["host"]
    assert _container(rendered.named("Deployment", "cloudmart-backend"))["image"] == image
    assert _container(job)["image"] == image
    assert job["metadata"]["name"] == f"cloudmart-tables-{FILLED['tag']}"
    assert rendered.environment()["TRUSTED_PROXIES"] == FILLED["vpc-cidr"]
    assert FILLED["vpc-cidr"] in str(
        rendered.named("NetworkPolicy", "cloudmart-backend-load-balancer")
    )
    assert "operator" not in {each["metadata"]["name"] for each in rendered.manifests}


@needs_kubectl
def test_a_registry_with_a_port_keeps_it(filled: Path) -> None:
    fill(filled, image="registry.internal:5000/cloudmart-backend")

    assert _container(render_overlay(filled).named("Deployment", "cloudmart-backend"))["image"] == (
        f"registry.internal:5000/cloudmart-backend:{FILLED['tag']}"
    )


@needs_kubectl
def test_a_changed_setting_rolls_the_pods_and_leaves_the_job_as_it_is(filled: Path) -> None:
    before = render_overlay(filled)
    with (filled / "settings.env").open("a") as file:
        file.write("AI_MAX_STEPS=3\n")

    after = render_overlay(filled)

    assert _template(before) != _template(after)
    assert before.of_kind("Job") == after.of_kind("Job")


@needs_kubectl
def test_another_image_is_another_job(filled: Path) -> None:
    before = render_overlay(filled).of_kind("Job")[0]["metadata"]["name"]
    fill(filled, tag="v1.3.0")

    assert (
        before
        != render_overlay(filled).of_kind("Job")[0]["metadata"]["name"]
        == "cloudmart-tables-v1.3.0"
    )


def _role(rendered: Rendered, account: str) -> str:
    annotations = rendered.named("ServiceAccount", account)["metadata"]["annotations"]
    return str(annotations["eks.amazonaws.com/role-arn"])


def _container(owner: Any) -> Any:  # noqa: ANN401 - a manifest
    return owner["spec"]["template"]["spec"]["containers"][0]


def _template(rendered: Rendered) -> Any:  # noqa: ANN401 - a manifest
    return rendered.named("Deployment", "cloudmart-backend")["spec"]["template"]
