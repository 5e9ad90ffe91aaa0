"""The proxy in front of DynamoDB is as strict as the real DynamoDB."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloudmart.settings import DynamoDBSettings, Settings
from cloudmart.tickets.indexes import TICKETS_BY_STATUS
from tests.support.aws import aws_client
from tests.support.fault_proxy import FaultProxy
from tests.support.shop_tables import add_index
from tests.support.wire_values import HUGE, Wire

KEY = {"id": {"S": "1"}}
GOOD: Wire = {"S": "2026-11-23T08:00:00.000Z"}


def _set(client: Any, table: str, name: str, value: Wire) -> None:  # noqa: ANN401 - boto3's
    client.update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": value},
    )


@pytest.mark.parametrize("value", [{"NULL": True}, {"S": ""}, {"N": HUGE}, {"SS": ["a"]}])
def test_an_update_never_gives_an_index_a_key_it_cannot_hold(
    value: Wire,
    faults: FaultProxy,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    table, client = settings.dynamodb.tickets_table, aws_client("dynamodb", endpoint_url=faults.url)
    dynamodb.put_item(TableName=table, Item=KEY | {"createdAt": GOOD})

    with pytest.raises(ClientError, match="ValidationException"):
        _set(client, table, "createdAt", value)

    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"] == KEY | {"createdAt": GOOD}


@pytest.mark.usefixtures("embedded_only")
def test_an_item_from_before_the_index_takes_no_update_until_its_key_is_corrected(
    faults: FaultProxy,
    production: DynamoDBSettings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    table, client = production.tickets_table, aws_client("dynamodb", endpoint_url=faults.url)
    dynamodb.put_item(TableName=table, Item=KEY | {"createdAt": {"NULL": True}})
    add_index(dynamodb, table, TICKETS_BY_STATUS)

    with pytest.raises(ClientError, match="Type mismatch for Index Key createdAt"):
        _set(client, table, "subject", {"S": "A lamp"})
    _set(client, table, "createdAt", GOOD)
    _set(client, table, "subject", {"S": "A lamp"})

    stored = dynamodb.get_item(TableName=table, Key=KEY)["Item"]
    assert stored == KEY | {"createdAt": GOOD, "subject": {"S": "A lamp"}}
