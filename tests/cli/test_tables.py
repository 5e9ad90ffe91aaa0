"""`cloudmart tables`, as an operator runs it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from typer.testing import CliRunner

from cloudmart.app import create_app
from cloudmart.cli.commands import app
from cloudmart.orders.indexes import order_keys
from cloudmart.orders.internal_items import ORDER_SECRET, note_item
from cloudmart.settings import DynamoDBSettings, Environment, Settings
from tests.support.fault_proxy import Fault, FaultProxy, Refusal
from tests.support.ready_app import serving
from tests.support.shop_tables import create_plain, put

EMAIL_INDEX = "emailKey-createdAt-index"
OLD_ORDERS: list[dict[str, Any]] = [
    {"id": "0000000a", "customerEmail": "ann@x.org", "createdAt": "2025-01-01T10:00:00.000Z"},
    {"id": "0000000b", "userEmail": "ann@x.org", "createdAt": "2025-01-02T10:00:00.000Z"},
    {"id": "0000000c", "userEmail": None, "createdAt": "2025-01-03T10:00:00.000Z"},
    {"id": "0000000d", "userEmail": "", "createdAt": "2025-01-04T10:00:00.000Z"},
    {
        "id": "0000000e",
        "userEmail": "",
        "customerEmail": "ann@x.org",
        "createdAt": "2025-01-05T10:00:00.000Z",
    },
    {
        "id": "0000000f",
        "userEmail": "bob@x.org",
        "customerEmail": "ann@x.org",
        "createdAt": "2025-01-06T10:00:00.000Z",
    },
]


def tables(*arguments: str) -> Any:  # noqa: ANN401
    """Run `cloudmart tables …` and return its result."""
    return CliRunner().invoke(app, ["tables", *arguments], catch_exceptions=False)


def states(names: DynamoDBSettings) -> dict[str, str]:
    """Return the state of every part of every table, as `status --json` has it."""
    findings = json.loads(tables("status", "--json").stdout)["findings"]
    prefix = names.products_table.removesuffix("products")
    return {f"{one['table'].removeprefix(prefix)} {one['part']}": one["state"] for one in findings}


def orders_of(email: str, names: DynamoDBSettings) -> tuple[list[str], float]:
    """Return the ids of a customer's orders, and how many look-ups read the whole table."""

    def fallbacks() -> float:
        return REGISTRY.get_sample_value("cloudmart_index_fallbacks_total", label) or 0

    label = {"index": EMAIL_INDEX}
    before = fallbacks()
    with serving(create_app(Settings(environment=Environment.LOCAL, dynamodb=names))) as client:
        answer = client.get("/api/orders/user", params={"email": email})
    return [order["id"] for order in answer.json()], fallbacks() - before


def test_a_new_shop_gets_its_tables_whole_and_uses_its_indexes_at_once(
    names: DynamoDBSettings,
) -> None:
    result = tables("apply")

    assert result.exit_code == 0, result.output
    found = states(names)
    assert {part for part, state in found.items() if state not in {"ok", "unsupported"}} == set()
    assert [part for part in found if part.startswith("orders")] == [
        "orders table",
        "orders recovery",
        "orders expiry",
        "orders stream",
        "orders index keys",
        "orders index emailKey-createdAt-index",
        "orders index dayShard-createdAt-index",
    ]
    assert orders_of("ann@x.org", names) == ([], 0)


def test_production_gets_what_it_lacks_and_the_same_orders_are_found_by_the_index(
    dynamodb: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    put(dynamodb, production.orders_table, *OLD_ORDERS)
    before = orders_of("ann@x.org", production)

    applied = tables("apply")
    between = orders_of("ann@x.org", production)
    used = tables("use-indexes")

    hers = ["0000000e", "0000000b", "0000000a"]
    assert (applied.exit_code, used.exit_code) == (0, 0), applied.output + used.output
    assert [before, between, orders_of("Ann@X.org", production)] == [
        (hers, 1),
        (hers, 1),
        (hers, 0),
    ]
    assert "6 orders read; 6 updated" in applied.output
    assert "6 orders read; 0 updated" in used.output


def test_orders_without_a_usable_e_mail_can_still_be_changed_once_the_index_is_there(
    dynamodb: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    put(dynamodb, production.orders_table, *OLD_ORDERS)
    tables("apply")

    settings = Settings(environment=Environment.LOCAL, dynamodb=production)
    with serving(create_app(settings)) as client:
        answers = [
            client.put(f"/api/orders/{order['id']}", json={"status": "Shipped"}).status_code
            for order in OLD_ORDERS
        ]

    assert answers == [200] * len(OLD_ORDERS)


def test_a_second_run_finds_nothing_to_do(names: DynamoDBSettings, faults: FaultProxy) -> None:
    assert names
    tables("apply")
    faults.calls.clear()

    result = tables("apply")

    assert (result.exit_code, result.output.splitlines()[0]) == (0, "There is nothing to do.")
    assert writes(faults) == set()


@pytest.mark.parametrize("command", [["status"], ["apply", "--dry-run"], ["backfill", "--dry-run"]])
def test_looking_changes_nothing(
    command: list[str],
    dynamodb: Any,  # noqa: ANN401
    production: DynamoDBSettings,
    faults: FaultProxy,
) -> None:
    put(dynamodb, production.orders_table, *OLD_ORDERS)

    result = tables(*command)

    assert result.exit_code == (1 if command == ["status"] else 0)
    assert writes(faults) == set()


def test_a_dry_run_says_what_would_be_done(
    dynamodb: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    put(dynamodb, production.orders_table, *OLD_ORDERS)

    result = tables("apply", "--dry-run")

    orders = f"  {production.orders_table}: "
    planned = [line.removeprefix(orders) for line in result.output.splitlines() if orders in line]
    assert [line for line in planned if "recovery" not in line] == [
        "let items expire at expiresAt",
        "give orders the attributes of the indexes (6 orders read; 6 to update)",
        "add the index emailKey-createdAt-index (emailKey + createdAt)",
        "add the index dayShard-createdAt-index (dayShard + createdAt)",
    ]


def test_a_dry_run_of_the_backfill_counts(
    dynamodb: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    modern = {
        "id": "abcdefgh23456789",
        "userEmail": "ann@x.org",
        "createdAt": "2025-01-05T10:00:00.000Z",
    }
    modern |= order_keys(modern)
    internal = note_item(ORDER_SECRET, secret="ab")  # noqa: S106 - of a test
    put(dynamodb, production.orders_table, *OLD_ORDERS, modern, internal)

    result = tables("backfill", "--dry-run")

    done = [line for line in result.output.splitlines() if line.startswith("  done")]
    assert done == ["  done: 7 orders read; 6 to update", "  done: 0 tickets read; 0 to update"]


def test_missing_permissions_are_named_and_the_rest_continues(
    dynamodb: Any,  # noqa: ANN401
    names: DynamoDBSettings,
    faults: FaultProxy,
) -> None:
    create_plain(dynamodb, names.orders_table, stream=True)
    faults.fail(Fault.DENIED, "CreateTable", "DescribeContinuousBackups", "Scan")

    result = tables("apply")

    faults.heal()
    denied = {line.partition("denied: ")[2] for line in result.output.splitlines()}
    assert result.exit_code == 1
    assert denied - {""} == {
        "the permission dynamodb:DescribeContinuousBackups is missing",
        "the permission dynamodb:CreateTable is missing",
        "the permission dynamodb:Scan is missing",
    }
    assert {
        part: state
        for part, state in states(names).items()
        if part.startswith("orders") and part != "orders recovery"
    } == {
        "orders table": "ok",
        "orders expiry": "ok",
        "orders stream": "ok",
        "orders index keys": "missing",
        "orders index emailKey-createdAt-index": "ok",
        "orders index dayShard-createdAt-index": "ok",
    }


def test_after_a_failed_creation_a_table_gets_no_more_calls(
    names: DynamoDBSettings, faults: FaultProxy
) -> None:
    assert names
    faults.fail(Fault.DENIED, "CreateTable")

    result = tables("apply")

    assert result.exit_code == 1
    assert writes(faults) == {"CreateTable"}


def test_another_view_of_the_stream_and_an_index_with_other_keys_are_left_alone(
    dynamodb: Any,  # noqa: ANN401
    names: DynamoDBSettings,
) -> None:
    dynamodb.create_table(
        TableName=names.orders_table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("id", "customerEmail")
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": EMAIL_INDEX,
                "KeySchema": [{"AttributeName": "customerEmail", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )

    result = tables("apply")

    left = [line.partition(": ")[2] for line in result.output.splitlines() if ": wrong: " in line]
    description = dynamodb.describe_table(TableName=names.orders_table)["Table"]
    keys = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in description["GlobalSecondaryIndexes"]
    }
    assert result.exit_code == 1
    other_key = "has the key customerEmail (S), not emailKey (S) + createdAt (S)"
    assert left == [
        "stream: wrong: shows KEYS_ONLY; NEW_AND_OLD_IMAGES needs it turned off first",
        f"index emailKey-createdAt-index: wrong: {other_key}",
    ]
    assert description["StreamSpecification"]["StreamViewType"] == "KEYS_ONLY"
    assert keys == {
        EMAIL_INDEX: ["customerEmail"],
        "dayShard-createdAt-index": ["dayShard", "createdAt"],
    }


def test_an_order_without_a_time_is_given_one_and_is_found_last(
    dynamodb: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    undated = {"id": "00000010", "customerEmail": "ann@x.org"}
    put(dynamodb, production.orders_table, *OLD_ORDERS, undated)

    results = [tables("apply"), tables("use-indexes")]

    assert [result.exit_code for result in results] == [0, 0]
    hers = ["0000000e", "0000000b", "0000000a", "00000010"]
    assert orders_of("ann@x.org", production) == (hers, 0)


def test_an_order_that_the_index_cannot_hold_is_named_and_look_ups_still_read_the_table(
    dynamodb: Any,  # noqa: ANN401
    production: DynamoDBSettings,
    faults: FaultProxy,
) -> None:
    put(dynamodb, production.orders_table, OLD_ORDERS[0])
    tables("apply")
    tables("use-indexes")
    put(dynamodb, production.orders_table, OLD_ORDERS[1])
    too_large = "Item size to update has exceeded the maximum allowed size"
    faults.fail(Refusal(400, "ValidationException", too_large), "UpdateItem", times=1)

    result = tables("use-indexes")

    assert result.exit_code == 1
    assert "1 refused by DynamoDB (0000000b)" in result.output
    assert orders_of("ann@x.org", production) == (["0000000b", "0000000a"], 1)


def test_missing_credentials_are_reported_with_a_message(
    names: DynamoDBSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert names
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")

    result = tables("status")

    assert (result.exit_code, result.stderr) == (
        1,
        (
            "DynamoDB cannot be reached: there are no AWS credentials: sign in (`aws sso login`), "
            "name a profile with AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n"
        ),
    )


def test_a_variable_that_misleads_the_sdk_is_reported(
    names: DynamoDBSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert names
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "bogus")
    mode = tables("status")
    monkeypatch.delenv("AWS_ACCOUNT_ID_ENDPOINT_MODE")
    monkeypatch.setenv("AWS_PROFILE", "prod")
    profile = tables("status")

    assert (mode.exit_code, profile.exit_code) == (1, 1)
    assert "AWS_ACCOUNT_ID_ENDPOINT_MODE is 'bogus'. Right: preferred, disabled" in mode.stderr
    assert "AWS_PROFILE names the profile 'prod'" in profile.stderr


def test_a_wrong_name_of_a_table_is_refused_and_a_wrong_assistant_is_not(
    names: DynamoDBSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert names
    monkeypatch.setenv("OPENAI_ASSISTANT_ID", "<your-openai-assistant-id>")

    ours = tables("terraform")
    monkeypatch.setenv("ENVIRONMENT", "local")
    monkeypatch.setenv("DYNAMODB_ORDERS_TABLE", "<your-orders-table>")
    wrong = tables("terraform")

    assert (ours.exit_code, wrong.exit_code, wrong.stdout) == (0, 78, "")
    assert "DYNAMODB_ORDERS_TABLE" in wrong.stderr
    assert "OPENAI_ASSISTANT_ID" not in wrong.stderr


def test_the_page_for_operators_names_every_permission_that_is_used(
    production: DynamoDBSettings, faults: FaultProxy
) -> None:
    assert production
    page = Path(__file__).parents[2] / "docs" / "tables.md"
    named = set(re.findall(r"`dynamodb:(\w+)`", page.read_text()))

    tables("apply")

    assert set(faults.calls) - named == set()


def writes(faults: FaultProxy) -> set[str]:
    """Return the operations that changed something."""
    return {call for call in faults.calls if not call.startswith(("Describe", "Get", "Scan"))}


def flat(output: str) -> str:
    """Return the output as one line, without its line breaks."""
    return " ".join(output.split())
