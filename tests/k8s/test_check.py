"""`make k8s-check ENV=…` names each value that is not filled in."""

from pathlib import Path

import pytest

from cloudmart.settings import load_settings
from k8s.check import complaints, main
from k8s.kustomize import render_overlay
from k8s.operator_values import faults, operator_values
from tests.k8s.conftest import needs_kubectl
from tests.support.overlays import FILLED, fill

TO_FILL_IN = {
    "account",
    "region",
    "host",
    "certificate",
    "web-acl",
    "vpc-cidr",
    "image",
    "tag",
}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_as_shipped_every_placeholder_is_named(
    manifests: Path, environment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = complaints(manifests / "overlays" / environment)

    assert {line.split(": ")[1].split()[0] for line in found} == TO_FILL_IN
    assert main([environment]) == 1
    assert "host is a placeholder" in capsys.readouterr().err


@needs_kubectl
def test_with_every_value_filled_in_nothing_is_left_to_do(filled: Path) -> None:
    assert complaints(filled) == []


@needs_kubectl
def test_who_gets_in_is_not_to_be_forgotten(filled: Path) -> None:
    settings = filled / "settings.env"
    settings.write_text(settings.read_text("utf-8").replace("AUTH=basic", ""), "utf-8")

    (line,) = complaints(filled)

    assert line.startswith("k8s/overlays/production/settings.env: AUTH is not set")


def test_no_web_acl_is_a_choice_that_can_be_made() -> None:
    assert list(faults(FILLED | {"web-acl": "none"})) == []


@pytest.mark.parametrize("name", FILLED)
def test_a_value_that_is_empty_or_gone_is_named(name: str) -> None:
    (empty,) = faults(FILLED | {name: ""})
    (gone,) = faults({key: value for key, value in FILLED.items() if key != name})

    assert empty == gone
    assert empty.startswith(f"{name} is empty")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("account", "2109-8765-4321"),
        ("region", "Frankfurt"),
        ("host", "https://shop.cloudmart.dev"),
        ("host", "shop"),
        ("certificate", FILLED["web-acl"]),
        ("web-acl", "arn:aws:wafv2:us-east-1:210987654321:global/webacl/shop/0f1e"),
        ("vpc-cidr", "0.0.0.0/0"),
        ("vpc-cidr", "10.20.0.1/16"),
        ("vpc-cidr", "10.0.0.0/8"),
        ("vpc-cidr", "10.20.0.0/24,10.20.1.1/24"),
        ("vpc-cidr", "10.20.0.0/24;10.20.1.0/24"),
        ("vpc-cidr", "10.20.0.0/24,"),
        ("storefront-image", "cloudmart-storefront"),
        ("storefront-image", "registry.cloudmart.dev/storefront:latest"),
        ("storefront-port", "80"),
        ("frontend-port", "http"),
        ("image", f"{FILLED['image']}:v1"),
        ("tag", "latest"),
        ("tag", "V1"),
        ("tag", "v1_2"),
        ("tag", "a" * 41),
    ],
)
def test_a_value_of_another_form_is_named_and_shown(name: str, value: str) -> None:
    (fault,) = faults(FILLED | {name: value})

    assert fault.startswith(f"{name} is not ")
    assert value in fault


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("certificate", FILLED["certificate"].replace("210987654321", "123456789012")),
        ("host", "shop.example.com"),
        ("host", "your-shop.dev"),
        ("vpc-cidr", "203.0.113.0/25"),
        ("tag", "todo"),
        ("role", "<role>"),
    ],
)
def test_a_value_of_documentation_is_a_placeholder(name: str, value: str) -> None:
    (fault,) = faults(FILLED | {name: value})

    assert fault.startswith(f"{name} is a placeholder ({value})")


@pytest.mark.parametrize("name", ["certificate", "web-acl"])
@pytest.mark.parametrize(
    ("ours", "other", "what"),
    [("eu-central-1", "us-east-1", "region"), ("210987654321", "222222222222", "account")],
)
def test_what_a_load_balancer_cannot_take_from_elsewhere_is_compared(
    name: str, ours: str, other: str, what: str
) -> None:
    (fault,) = faults(FILLED | {name: FILLED[name].replace(ours, other)})

    assert fault == f"{name} is of the {what} {other}, and {what} is {ours}: they must be the same."


def test_the_pods_are_not_to_have_the_role_that_changes_tables() -> None:
    assert list(faults(FILLED | {"tables-role": FILLED["role"]})) == [
        "tables-role is the same as role: then every pod could change tables."
    ]


@needs_kubectl
def test_each_subnet_of_the_load_balancer_is_allowed_and_trusted(filled: Path) -> None:
    fill(filled, vpc_cidr="10.20.0.0/24, 10.20.1.0/24")

    rendered = render_overlay(filled)

    assert complaints(filled) == []
    (rule,) = rendered.named("NetworkPolicy", "cloudmart-backend-load-balancer")["spec"]["ingress"]
    assert [peer["ipBlock"]["cidr"] for peer in rule["from"]] == ["10.20.0.0/24", "10.20.1.0/24"]
    told = load_settings(rendered.environment()).settings.limits.trusted_proxies
    assert [str(each) for each in told] == ["10.20.0.0/24", "10.20.1.0/24"]


def test_a_number_without_quotes_is_named(manifests: Path) -> None:
    overlay = fill(manifests / "overlays" / "staging")
    file = overlay / "operator.yaml"
    file.write_text(file.read_text().replace('tag: "9fceb02d0ae5"', "tag: 20261125"))

    assert list(faults(operator_values(overlay))) == ["tag is no text: put it in quotes."]


def test_an_unknown_value_is_named() -> None:
    assert list(faults(FILLED | {"hots": "shop"})) == ["hots is not known: remove it."]


@needs_kubectl
def test_a_setting_that_is_wrong_is_named(filled: Path) -> None:
    with (filled / "settings.env").open("a") as file:
        file.write("AI_MAX_STEPS=many\n")

    (complaint,) = complaints(filled)

    assert "settings.env: AI_MAX_STEPS is not a whole number" in complaint


@needs_kubectl
def test_a_line_that_is_not_a_setting_is_named_with_the_one_that_was_meant(filled: Path) -> None:
    with (filled / "settings.env").open("a") as file:
        file.write("RATE_LIMIT_REED=100\nSSL_CERT_FILE=/etc/ssl/only-in-the-pod.pem\n")

    (complaint,) = complaints(filled)

    assert complaint.endswith(
        "settings.env: RATE_LIMIT_REED is not a setting; did you mean RATE_LIMIT_READ?"
    )


def test_local_needs_nothing_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local"]) == 0
    assert capsys.readouterr().out == "local: nothing has to be filled in.\n"


def test_an_unknown_environment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prod"]) == 2
    assert "staging, production" in capsys.readouterr().err
