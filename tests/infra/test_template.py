"""The template: it is well-formed, allows only what is called, and names only what exists."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from cloudmart.local.event_source import EventSourceMapping
from cloudmart.settings.variables import variables
from tests.support.aws_calls import actions_of
from tests.support.pipeline_template import FILE, RESOURCES, actions, properties, statements

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
# What Lambda itself does with the function's role: read the stream, report failed batches.
# https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
MAPPING = {
    *("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    *("dynamodb:ListStreams", "sqs:SendMessage"),
}
FUNCTIONS = [name for name, told in RESOURCES.items() if told["Type"] == "AWS::Lambda::Function"]
ALARMS = [name for name, told in RESOURCES.items() if told["Type"] == "AWS::CloudWatch::Alarm"]


def test_cloudformation_finds_nothing_to_object_to() -> None:
    linter = Path(sys.executable).parent / "cfn-lint"

    ended = subprocess.run(  # noqa: S603 - cfn-lint, on our own file
        [linter, "--include-checks", "I", "--", FILE], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_the_carrier_may_do_what_its_code_and_its_mapping_do_and_no_more() -> None:
    called = actions_of("cloudmart.pipeline.handler")

    assert called == {"s3:PutObject"}
    assert actions("CarrierRole") == called | MAPPING | LOGS


def test_the_list_of_products_may_scan_and_no_more() -> None:
    assert actions("ListProductsRole") == actions_of("cloudmart.ai.bedrock_action_group") | LOGS


@pytest.mark.parametrize("role", ["CarrierRole", "ListProductsRole"])
def test_nothing_is_allowed_on_everything_but_what_knows_no_resources(role: str) -> None:
    anywhere = [each["Action"] for each in statements(role) if each["Resource"] == "*"]

    assert anywhere in ([], ["dynamodb:ListStreams"])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_is_where_the_template_says(function: str) -> None:
    module, _, name = properties(function)["Handler"].rpartition(".")

    assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_only_existing_settings(function: str) -> None:
    known = {name for variable in variables().values() for name in variable.names}

    assert properties(function)["Environment"]["Variables"].keys() <= known


def test_no_record_is_tried_for_ever_and_none_is_given_up_in_silence() -> None:
    told = properties("OrdersToCarrier")

    mapping = EventSourceMapping.of_properties(told)

    assert (mapping.bisect, mapping.partial, mapping.start) == (True, True, "TRIM_HORIZON")
    assert mapping.retries
    # Half of the stream's 24 hours, so that failed batches can still be read from it.
    assert mapping.age == 12 * 60 * 60
    assert told["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["FailureQueue", "Arn"]
    }


@pytest.mark.parametrize("name", ["FailureQueue", "QuarantineBucket"])
def test_what_did_not_arrive_outlives_the_stack(name: str) -> None:
    kept: dict[str, Any] = RESOURCES[name]

    assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_lambda_waits_for_a_batch_longer_than_a_batch_may_take() -> None:
    # Two insertions of 25 seconds each: the second one without the records that cannot be read.
    assert properties("Carrier")["Timeout"] > 2 * 25


def test_metrics_are_made_of_what_the_carrier_logs() -> None:
    source = (FILE.parents[1] / "cloudmart/pipeline/carry/carrier.py").read_text()

    for name in ("QuarantinedRecords", "WaitingRecords"):
        pattern = properties(name)["FilterPattern"]
        event = pattern.split('"')[1]
        assert f'"{event}"' in source


@pytest.mark.parametrize("alarm", ALARMS)
def test_each_alarm_is_in_the_page_of_what_to_do(alarm: str) -> None:
    page = (FILE.parents[1] / "docs/pipeline.md").read_text()

    assert f"`{alarm}`" in page
