"""`cloudmart iam render`: policies for one account, which allow the calls of the code only."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from cloudmart import doctor
from cloudmart.app import create_app
from cloudmart.cli.commands import app
from cloudmart.settings import DynamoDBSettings, Settings
from tests.support.aws_calls import actions_of
from tests.support.fault_proxy import FaultProxy
from tests.support.ready_app import serving
from tests.support.routes import ROUTES
from tests.support.shop_tables import let_use_indexes

ACCOUNT = "210987654321"
ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/9FCEB02D0AE5"
EVERYTHING = {
    "AWS_REGION": "eu-central-1",
    "BEDROCK_REGION": "us-east-1",
    "BEDROCK_AGENT_ID": "Q8ZP3R7LKM",
    "BEDROCK_AGENT_ALIAS_ID": "TSTALIASID",
    "BEDROCK_MODEL_ID": "eu.amazon.nova-lite-v1:0",
    "CLOUDMART_SECRET_ID": "cloudmart/production",
    "PIPELINE_FUNCTION": "cloudmart-dynamodb-to-bigquery-production",
    "PIPELINE_FAILURE_QUEUE": f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/failures",
    "PIPELINE_QUARANTINE_BUCKET": "cloudmart-quarantine",
}
# Which role runs which command: the pods' role, or the role of the Job and of operators.
SERVE = (
    "cloudmart.cli.catalogue",
    "cloudmart.cli.config",
    "cloudmart.cli.pipeline.reconcile",
    "cloudmart.cli.pipeline.status",
    "cloudmart.cli.serve",
)
OPERATOR = ("cloudmart.cli.tables",)
# The doctor only reads, with a separate policy. Its imports could do more.
DOCTOR = ("cloudmart.cli.doctor",)
# These call none of the AWS services that they import, or an embedded DynamoDB.
NOBODY = (
    "cloudmart.cli.dev",
    "cloudmart.cli.iam",
    "cloudmart.cli.openapi",
    # It asks the doctor about pods, which needs kubectl only.
    "cloudmart.cli.rollout",
)
# These run with a person's own account: releasing records from the quarantine, tools for a client
# on their machine, and judging a model on Bedrock.
PERSON = ("cloudmart.cli.assistants", "cloudmart.cli.mcp", "cloudmart.cli.pipeline.replay")


def render(*words: str, **environ: str) -> Result:
    """Run the command in an environment with the given variables only."""
    named = ["iam", "render", "--account", ACCOUNT, "--oidc-provider", ISSUER, *words]
    emptied = dict.fromkeys(["AWS_REGION", "AWS_DEFAULT_REGION", *EVERYTHING])
    return CliRunner(env=emptied | environ).invoke(app, named)


def rendered(**environ: str) -> dict[str, Any]:
    """Return the policies."""
    policies: dict[str, Any] = json.loads(render(**environ).stdout)
    return policies


def actions(policy: Any) -> set[str]:  # noqa: ANN401 - any JSON
    """Return all actions that a policy allows."""
    return {action for each in policy["Statement"] for action in listed(each["Action"])}


def listed(value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """Return a list. IAM also accepts the single element of a list."""
    return value if isinstance(value, list) else [value]


def resources(policy: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """Return all resources of a policy."""
    return [resource for each in policy["Statement"] for resource in listed(each["Resource"])]


@pytest.mark.parametrize(("policy", "programs"), [("serve", SERVE), ("operator", OPERATOR)])
def test_a_policy_allows_exactly_what_the_code_calls(policy: str, programs: tuple[str]) -> None:
    assert actions(rendered(**EVERYTHING)[policy]) == actions_of(*programs)


def test_every_command_that_calls_aws_has_a_policy() -> None:
    assigned = {*SERVE, *OPERATOR, *DOCTOR, *NOBODY, *PERSON}

    calling = {name for name in _modules(app) if actions_of(name)}
    assert {name for name in calling if not assigned & {name, name.rpartition(".")[0]}} == set()


def test_the_doctors_policy_allows_reading_only() -> None:
    allowed = actions(rendered(**EVERYTHING)["doctor"])

    looks = {each for each in allowed if re.search(r":(Get|Describe|List|Query)", each)}
    assert allowed - looks == {"bedrock:InvokeModel"}
    assert asked_by_checks() <= allowed


def asked_by_checks() -> set[str]:
    """Return the actions of the operations that checks call at AWS."""
    prefixes = {"elbv2": "elasticloadbalancing", "bedrock-agent": "bedrock"}
    # Asking for the own identity needs no permission; another action allows a model's answer.
    others = {"sts": None, "bedrock-runtime": None}
    asked: set[str] = set()
    for file in sorted(Path(doctor.__file__).parent.glob("*.py")):
        named = re.findall(r'aws\(\s*"([\w-]+)",\s*"(\w+)"', file.read_text("utf-8"))
        for service, operation in named:
            if service not in others:
                client = boto3.client(service, region_name="eu-central-1")
                name = client.meta.method_to_api_mapping[operation]
                asked.add(f"{prefixes.get(service, service)}:{name}")
    return asked


def test_one_policy_can_be_chosen() -> None:
    only = json.loads(render("doctor", AWS_REGION="eu-central-1").stdout)

    assert set(only) == {"doctor", "doctor-trust"}
    assert render("nurse", AWS_REGION="eu-central-1").exit_code == 2


def test_the_running_service_calls_all_that_its_policy_allows_of_tables(
    stocked: Settings,
    faults: FaultProxy,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    allowed = actions(rendered()["serve"])
    let_use_indexes(dynamodb, stocked.dynamodb)

    with serving(create_app(stocked)) as client:
        thread = client.post("/api/ai/start").json()["threadId"]
        client.post("/api/ai/message", json={"threadId": thread, "message": "Where is my order?"})
        for route in ROUTES:
            client.request(route.method, route.path(), json=route.body, headers=route.headers)

    assert {f"dynamodb:{operation}" for operation in faults.calls} == allowed


def test_bringing_the_tables_about_calls_nothing_its_policy_does_not_allow(
    production: DynamoDBSettings, faults: FaultProxy
) -> None:
    allowed = actions(rendered()["operator"])

    CliRunner().invoke(app, ["tables", "apply"])

    assert production.orders_table
    assert {"CreateTable", "UpdateTable", "Scan"} <= faults.calls.keys()
    assert {f"dynamodb:{operation}" for operation in faults.calls} <= allowed


def test_only_the_service_accounts_of_the_cluster_get_the_roles() -> None:
    policies = rendered()

    for name, account in (
        ("serve", "cloudmart-backend-sa"),
        ("operator", "cloudmart-tables-sa"),
        ("doctor", "cloudmart-doctor-sa"),
    ):
        (statement,) = policies[f"{name}-trust"]["Statement"]
        assert statement["Principal"] == {
            "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
        }
        assert statement["Condition"] == {
            "StringEquals": {
                f"{ISSUER}:aud": "sts.amazonaws.com",
                f"{ISSUER}:sub": f"system:serviceaccount:default:{account}",
            }
        }


def test_policies_name_the_resources_that_are_configured() -> None:
    policy = rendered(**EVERYTHING, DYNAMODB_ORDERS_TABLE="shop-orders")["serve"]

    tables = f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table"
    bedrock = f"arn:aws:bedrock:us-east-1:{ACCOUNT}"
    assert resources(policy) == [
        f"{tables}/cloudmart-products",
        f"{tables}/shop-orders",
        f"{tables}/cloudmart-tickets",
        f"{tables}/cloudmart-conversations",
        f"{tables}/shop-orders/index/*",
        f"{tables}/cloudmart-tickets/index/*",
        f"{bedrock}:agent-alias/Q8ZP3R7LKM/TSTALIASID",
        "arn:aws:bedrock:*::foundation-model/amazon.nova-lite-v1:0",
        f"{bedrock}:inference-profile/eu.amazon.nova-lite-v1:0",
        "*",
        f"arn:aws:sqs:eu-central-1:{ACCOUNT}:failures",
        "arn:aws:s3:::cloudmart-quarantine",
        f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:cloudmart/production-??????",
    ]


def test_only_actions_without_resources_are_allowed_for_everything() -> None:
    policy = rendered(**EVERYTHING)["serve"]

    (wide,) = (each for each in policy["Statement"] if "*" in listed(each["Resource"]))
    assert set(wide["Action"]) == {"cloudwatch:GetMetricData", "lambda:ListEventSourceMappings"}
    assert "Needs" not in wide


def test_what_is_not_configured_is_not_allowed() -> None:
    policies = rendered()

    assert [each["Sid"] for each in policies["serve"]["Statement"]] == ["Tables", "Indexes"]
    assert [each["Sid"] for each in policies["operator"]["Statement"]] == ["Tables"]


@pytest.mark.parametrize(
    ("model", "allowed"),
    [
        ("amazon.nova-lite-v1:0", ["arn:aws:bedrock:*::foundation-model/amazon.nova-lite-v1:0"]),
        *(
            (arn, [arn])
            for arn in [f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/q8zp"]
        ),
    ],
)
def test_a_model_may_be_given_by_its_id_or_its_arn(model: str, allowed: list[str]) -> None:
    policy = rendered(BEDROCK_MODEL_ID=model)["serve"]

    assert resources(policy)[6:] == allowed


def test_other_partitions_of_aws_have_other_arns() -> None:
    assert resources(rendered(AWS_REGION="cn-north-1")["serve"])[0] == (
        f"arn:aws-cn:dynamodb:cn-north-1:{ACCOUNT}:table/cloudmart-products"
    )


def test_each_policy_can_be_a_file(tmp_path: Path) -> None:
    result = render("--directory", str(tmp_path / "policies"))

    assert result.exit_code == 0
    assert {
        file.stem: json.loads(file.read_text()) for file in (tmp_path / "policies").iterdir()
    } == rendered()


@pytest.mark.parametrize(
    "told", [f"https://{ISSUER}", f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"]
)
def test_the_issuer_may_be_given_as_its_address_or_its_providers_arn(told: str) -> None:
    assert json.loads(render("--oidc-provider", told).stdout) == rendered()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--account", "2109-8765-4321"], "12 digits"),
        (["--oidc-provider", "my cluster"], "the issuer's address"),
        (["--namespace", "Shop"], "not a namespace's name"),
    ],
)
def test_what_is_not_an_account_or_issuer_is_refused(words: list[str], complaint: str) -> None:
    result = render(*words)

    assert result.exit_code == 2
    assert complaint in result.stderr


def test_without_a_region_or_with_a_wrong_setting_nothing_is_rendered() -> None:
    elsewhere = render("--oidc-provider", "issuer.cloudmart.dev")
    wrong = render(BEDROCK_AGENT_ID="<your-bedrock-agent-id>", BEDROCK_AGENT_ALIAS_ID="TSTALIASID")

    assert (elsewhere.exit_code, wrong.exit_code) == (78, 78)
    assert "Set AWS_REGION" in elsewhere.stderr
    assert "BEDROCK_AGENT_ID" in wrong.stderr
    assert elsewhere.stdout == wrong.stdout == ""


def _modules(group: Typer) -> Iterator[str]:
    for command in group.registered_commands:
        if command.callback:
            yield command.callback.__module__
    for nested in group.registered_groups:
        if nested.typer_instance:
            yield from _modules(nested.typer_instance)
