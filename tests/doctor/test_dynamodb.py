"""Findings of the tables."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from typer.testing import CliRunner

from cloudmart.cli.commands import app
from cloudmart.doctor.inputs import Inputs, NotKnownError
from cloudmart.findings.finding import CheckStatus
from cloudmart.orders.indexes import ORDERS_BY_DAY
from cloudmart.tables.schema import shop_tables
from cloudmart.tables.steps import table_definition
from tests.doctor.healthy import HealthyShop, told
from tests.doctor.shop_aws import ShopAws, make_tables
from tests.support.aws_commands import commands_in, run_aws
from tests.support.fault_proxy import Fault
from tests.support.serve_process import free_port
from tests.support.shop_tables import drop, drop_index, forget_indexes

FAIL, WARN = CheckStatus.FAIL, CheckStatus.WARN
SKIP, PASS, UNKNOWN = CheckStatus.SKIP, CheckStatus.PASS, CheckStatus.UNKNOWN

Break = Callable[[Any, ShopAws], object]


def no_products(dynamodb: Any, aws: ShopAws) -> None:  # noqa: ANN401 - boto3's client
    """Delete a table."""
    dynamodb.delete_table(TableName=aws.names.products_table)


def no_index(dynamodb: Any, aws: ShopAws) -> None:  # noqa: ANN401
    """Remove an index."""
    drop_index(dynamodb, aws.names.orders_table, ORDERS_BY_DAY.name)


def no_stream(dynamodb: Any, aws: ShopAws) -> None:  # noqa: ANN401
    """Use a table of orders that never had a stream; moto cannot remove one."""
    renew(dynamodb, aws, "StreamSpecification")


def no_expiry(dynamodb: Any, aws: ShopAws) -> None:  # noqa: ANN401
    """Use a table of orders whose items never expire."""
    renew(dynamodb, aws)


def renew(dynamodb: Any, aws: ShopAws, *without: str) -> None:  # noqa: ANN401
    """Create the table of orders again, without anything else."""
    (orders,) = (each for each in shop_tables(aws.names) if each.stream)
    made = {key: each for key, each in table_definition(orders).items() if key not in without}
    dynamodb.delete_table(TableName=orders.name)
    dynamodb.create_table(**made)


def no_recovery(dynamodb: Any, aws: ShopAws) -> None:  # noqa: ANN401
    """Turn recovery off."""
    off = {"PointInTimeRecoveryEnabled": False}
    dynamodb.update_continuous_backups(
        TableName=aws.names.tickets_table, PointInTimeRecoverySpecification=off
    )


@pytest.mark.parametrize(
    ("key", "status", "spoil", "observed"),
    [
        ("table-exists", FAIL, no_products, "-products: table missing"),
        ("table-indexes", FAIL, no_index, "-orders: index dayShard-createdAt-index missing"),
        ("table-stream", FAIL, no_stream, "-orders: stream missing"),
        ("table-expiry", WARN, no_expiry, "-orders: expiry missing"),
        ("table-recovery", WARN, no_recovery, "-tickets: recovery missing"),
    ],
)
async def test_what_is_missing_is_created_by_the_fix(
    shop: HealthyShop, key: str, status: CheckStatus, spoil: Break, observed: str
) -> None:
    spoil(shop.aws.client("dynamodb"), shop.aws)

    found = await shop.look("dynamodb")
    assert observed in told(found, key, status)

    command = commands_in(found[key].fix)[0].split()
    assert command == ["cloudmart", "tables", "apply"]
    await asyncio.to_thread(CliRunner().invoke, app, command[1:], env=dict(shop.environ))
    assert (await shop.look(key))[key].status is PASS


async def test_indexes_that_may_not_be_used_yet_are_reported(shop: HealthyShop) -> None:
    forget_indexes(shop.aws.client("dynamodb"), shop.aws.names)

    found = await shop.look("index-keys")
    assert "look-ups read the whole table" in told(found, "index-keys", WARN)

    command = commands_in(found["index-keys"].fix)[0].split()
    ended = await asyncio.to_thread(CliRunner().invoke, app, command[1:], env=dict(shop.environ))
    assert ended.exit_code == 0
    assert (await shop.look("index-keys"))["index-keys"].status is PASS


@pytest.mark.parametrize(
    ("key", "status", "was", "now", "observed"),
    [
        ("table-key", FAIL, '"AttributeName": "id"', '"AttributeName": "pk"', "has the key"),
        (
            *("index-built", WARN, '"IndexStatus": "ACTIVE"', '"IndexStatus": "CREATING"'),
            "changing: is creating",
        ),
        (
            *("table-encryption", FAIL, '"TableStatus": "ACTIVE"'),
            '"TableStatus": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"',
            "is inaccessible_encryption_credentials",
        ),
        (
            *("table-capacity", WARN, '"BillingMode": "PAY_PER_REQUEST"'),
            '"BillingMode": "PROVISIONED"',
            "its capacity is PROVISIONED, not on demand",
        ),
    ],
)
async def test_a_table_that_is_not_as_it_should_be_is_reported(  # noqa: PLR0913, PLR0917
    shop: HealthyShop, key: str, status: CheckStatus, was: str, now: str, observed: str
) -> None:
    pattern = re.compile(was.replace(": ", ": ?").encode())
    shop.aws.proxy.rewrite = lambda body: pattern.sub(now.encode(), body)

    found = await shop.look(key)

    assert observed in told(found, key, status)


async def test_a_table_is_put_on_demand_by_the_fix(shop: HealthyShop) -> None:
    dynamodb, table = shop.aws.client("dynamodb"), shop.aws.names.products_table
    dynamodb.update_table(
        TableName=table,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )

    found = await shop.look("table-capacity")
    assert "its capacity is PROVISIONED" in told(found, "table-capacity", WARN)

    (command,) = commands_in(found["table-capacity"].fix)
    run_aws(command, shop.aws)
    assert (await shop.look("table-capacity"))["table-capacity"].status is PASS


async def test_tables_of_another_region_are_found(shop: HealthyShop) -> None:
    drop(shop.aws.client("dynamodb"), shop.aws.names)
    make_tables(shop.aws, "eu-west-1")

    found = await shop.look("dynamodb")

    assert told(found, "table-region", FAIL).endswith(
        "is in eu-west-1, and AWS_REGION is us-east-1"
    )
    assert found["table-region"].fix.startswith("Set AWS_REGION to eu-west-1")
    # Creating the tables in the wrong region would be the worst advice.
    assert told(found, "table-exists", SKIP) == "table-region failed"


async def test_tables_that_are_nowhere_are_missing_and_not_elsewhere(shop: HealthyShop) -> None:
    drop(shop.aws.client("dynamodb"), shop.aws.names)

    found = await shop.look("dynamodb")

    assert told(found, "table-region", PASS).startswith("no other region of this account has")
    assert told(found, "table-exists", FAIL)
    assert told(found, "may-read", SKIP) == "table-exists failed"


@pytest.mark.parametrize(
    ("key", "operation"),
    [
        ("may-read", "GetItem"),
        ("may-read", "BatchGetItem"),
        ("may-read", "Scan"),
        ("may-write", "PutItem"),
        ("may-write", "UpdateItem"),
        ("may-write", "DeleteItem"),
        ("may-query", "Query"),
    ],
)
async def test_a_permission_that_is_missing_is_reported_by_its_use(
    shop: HealthyShop, key: str, operation: str
) -> None:
    # It also reads the record of the indexes, which is not the subject of this test.
    shop.aws.proxy.fail(Fault.DENIED, operation, after=2 if operation == "GetItem" else 0)

    found = await shop.look(key)

    assert f"dynamodb:{operation} on " in told(found, key, FAIL)
    assert f"dynamodb:{operation} is missing" in found[key].fix


async def test_nothing_is_written_to_find_out(shop: HealthyShop) -> None:
    dynamodb = shop.aws.client("dynamodb")
    names = [each.name for each in shop_tables(shop.aws.names)]
    before = [dynamodb.scan(TableName=name)["Items"] for name in names]

    await shop.look("may-write")

    assert [dynamodb.scan(TableName=name)["Items"] for name in names] == before


async def test_from_a_laptop_the_permissions_of_pods_are_not_tried(shop: HealthyShop) -> None:
    shop.on_a_laptop()

    found = await shop.look("may-write")

    assert "kubectl exec deploy/cloudmart-backend" in told(found, "may-write", SKIP)


async def test_tables_that_may_not_be_described_are_unknown(shop: HealthyShop) -> None:
    shop.aws.proxy.fail(Fault.DENIED, "DescribeTable")

    found = await shop.look("table-exists")

    observed = told(found, "table-exists", UNKNOWN)
    assert "the permission dynamodb:DescribeTable is missing" in observed


async def test_tables_that_do_not_answer_are_unknown_and_nobody_else_is_named(
    shop: HealthyShop,
) -> None:
    shop.aws.proxy.stop()

    found = await shop.look("table-exists")

    observed = told(found, "table-exists", UNKNOWN)
    assert observed == "dynamodb: The shop's data store does not answer."
    assert f"HTTPS to 127.0.0.1:{shop.aws.proxy.port}." in found["table-exists"].fix


async def test_another_service_that_does_not_answer_is_named(
    shop: HealthyShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", f"http://127.0.0.1:{port}")

    found = await shop.look("role-exists")

    assert told(found, "role-exists", UNKNOWN) == f"iam: 127.0.0.1:{port} does not answer"


async def test_where_credentials_are_the_trouble_their_source_is_named(shop: HealthyShop) -> None:
    inputs = Inputs(shop.target(), frozenset(), {}, set())

    async def ask() -> None:
        raise EndpointConnectionError(endpoint_url="https://sts.us-east-1.amazonaws.com/")

    for service in ("dynamodb", "iam"):
        with pytest.raises(NotKnownError, match=f"{service}: AWS's Security Token Service"):
            await inputs.guarded(service, ask)
