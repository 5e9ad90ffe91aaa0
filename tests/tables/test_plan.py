"""The tables compared with the schema."""

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from cloudmart.dynamodb.refusals import PartState, TableRefusal, explain_refusal
from cloudmart.dynamodb.schema import KEYS_VERSION, TableSchema
from cloudmart.orders.indexes import ORDERS_BY_EMAIL
from cloudmart.settings import DynamoDBSettings
from cloudmart.tables.plan import ObservedTable, compare_table
from cloudmart.tables.schema import shop_tables
from cloudmart.tables.steps import table_definition

ORDERS = next(schema for schema in shop_tables(DynamoDBSettings()) if schema.stream)
USE = (
    "look-ups read the whole table until `cloudmart tables use-indexes` has run, after the last "
    "pod of an older release has ended"
)
EMAIL_INDEX = f"index {ORDERS_BY_EMAIL.name}"


def as_it_should_be(schema: TableSchema = ORDERS) -> dict[str, Any]:
    """Return DynamoDB's description of a correct table."""
    created = table_definition(schema)
    return {
        "TableName": created["TableName"],
        "TableStatus": "ACTIVE",
        "BillingModeSummary": {"BillingMode": created["BillingMode"]},
        "AttributeDefinitions": created["AttributeDefinitions"],
        "KeySchema": created["KeySchema"],
        "StreamSpecification": created["StreamSpecification"],
        "GlobalSecondaryIndexes": [
            index | {"IndexStatus": "ACTIVE"} for index in created["GlobalSecondaryIndexes"]
        ],
    }


def observed(**table: Any) -> ObservedTable:  # noqa: ANN401
    """Return a table that is correct except for some of its description."""
    return ObservedTable(
        as_it_should_be() | table,
        recovery={"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}},
        expiry={"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"},
        record={"id": "r", "keys": KEYS_VERSION, "completedAt": "2026-11-23T08:00:00.000Z"},
    )


def email_index(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a description whose first index is another."""
    first, *others = as_it_should_be()["GlobalSecondaryIndexes"]
    return {"GlobalSecondaryIndexes": [first | changes, *others]}


def faults(seen: ObservedTable) -> list[tuple[str, str, str, bool]]:
    """Return the deviations: part, state, remark, and whether a step corrects it."""
    return [
        (found.part, found.state.value, found.remark, found.step is not None)
        for found in compare_table(ORDERS, seen)
        if found.state is not PartState.OK
    ]


def test_a_table_that_is_as_it_should_be_asks_for_nothing() -> None:
    assert faults(observed()) == []


def test_steps_come_in_the_order_that_protects_data_first_and_adds_indexes_last() -> None:
    bare = replace(
        observed(GlobalSecondaryIndexes=[], StreamSpecification={}),
        recovery={},
        expiry={},
        record=None,
    )

    steps = [finding.step for finding in compare_table(ORDERS, bare) if finding.step]

    assert [step.part for step in steps] == [
        "recovery",
        "expiry",
        "stream",
        "index emailKey-createdAt-index",
        "index dayShard-createdAt-index",
    ]


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"TableStatus": "CREATING"}, ("table", "changing", "is creating", False)),
        ({"TableStatus": "DELETING"}, ("table", "wrong", "is deleting", False)),
        (
            {"BillingModeSummary": None},
            ("table", "wrong", "its capacity is PROVISIONED, not on demand", False),
        ),
        (
            {"KeySchema": [{"AttributeName": "createdAt", "KeyType": "HASH"}]},
            ("table", "wrong", "has the key createdAt (S), not id (S)", False),
        ),
        ({"StreamSpecification": None}, ("stream", "missing", "", True)),
        (
            {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
            (
                "stream",
                "wrong",
                "shows NEW_IMAGE; NEW_AND_OLD_IMAGES needs it turned off first",
                False,
            ),
        ),
        (email_index(IndexStatus="CREATING"), (EMAIL_INDEX, "changing", "is creating", True)),
        (email_index(IndexStatus="DELETING"), (EMAIL_INDEX, "changing", "is deleting", True)),
        (
            email_index(Projection={"ProjectionType": "KEYS_ONLY"}),
            (EMAIL_INDEX, "wrong", "holds KEYS_ONLY, not whole items", False),
        ),
    ],
)
def test_what_differs_in_the_description_is_found(
    table: dict[str, Any], fault: tuple[str, str, str, bool]
) -> None:
    assert faults(observed(**table)) == [fault]


@pytest.mark.parametrize(
    ("seen", "fault"),
    [
        ({"expiry": {"TimeToLiveStatus": "DISABLED"}}, ("expiry", "missing", "", True)),
        (
            {"expiry": {"TimeToLiveStatus": "DISABLING", "AttributeName": "expiresAt"}},
            ("expiry", "wrong", "is being turned off; apply again in an hour", False),
        ),
        (
            {"expiry": {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}},
            ("expiry", "wrong", "uses ttl, not expiresAt", False),
        ),
        (
            {"recovery": TableRefusal(PartState.UNSUPPORTED, "no such thing")},
            ("recovery", "unsupported", "no such thing", False),
        ),
        ({"record": None}, ("index keys", "missing", USE, False)),
        ({"record": {"keys": KEYS_VERSION + 1}}, ("index keys", "missing", USE, False)),
        (
            {"record": TableRefusal(PartState.DENIED, "not allowed")},
            ("index keys", "denied", "not allowed", False),
        ),
        (
            {"table": TableRefusal(PartState.DENIED, "not allowed")},
            ("table", "denied", "not allowed", False),
        ),
    ],
)
def test_what_differs_elsewhere_is_found(
    seen: dict[str, Any], fault: tuple[str, str, str, bool]
) -> None:
    assert faults(replace(observed(), **seen)) == [fault]


@pytest.mark.parametrize(
    ("code", "message", "status", "refusal"),
    [
        (
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/x is not authorized to perform: kms:Decrypt on resource: k",
            400,
            TableRefusal(PartState.DENIED, "the permission kms:Decrypt is missing"),
        ),
        (
            "AccessDeniedException",
            "",
            400,
            TableRefusal(PartState.DENIED, "the permission dynamodb:UpdateTable is missing"),
        ),
        (
            "InternalFailure",
            "not implemented",
            501,
            TableRefusal(PartState.UNSUPPORTED, "this endpoint has no UpdateTable"),
        ),
        (
            "ValidationException",
            "One or more parameter values were invalid",
            400,
            TableRefusal(
                PartState.FAILED,
                "UpdateTable: ValidationException: One or more parameter values were invalid",
            ),
        ),
    ],
)
def test_a_refusal_gets_a_message_for_operators(
    code: str, message: str, status: int, refusal: TableRefusal
) -> None:
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }

    assert explain_refusal(ClientError(answer, "UpdateTable")) == refusal


def test_errors_before_dynamodb_get_a_message_too() -> None:
    assert explain_refusal(NoCredentialsError()) == TableRefusal(
        PartState.FAILED,
        "there are no AWS credentials: sign in (`aws sso login`), name a profile with AWS_PROFILE, "
        "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    )
