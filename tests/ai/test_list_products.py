"""The products that a Bedrock agent gets, in the form of its action group."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from botocore.config import Config

from cloudmart.ai.bedrock_action_group import answer_agent
from cloudmart.dynamodb.codec import encode_item
from cloudmart.settings import Settings
from tests.support.aws import aws_client
from tests.support.wire_values import VALUES, Wire

LAMP = {"id": "1", "name": "Desk lamp", "price": 19.99, "description": ""}
KETTLE = {"id": "2", "name": "Kettle", "price": 34.5, "description": ""}

Event = dict[str, Any]

# From AWS's documentation: an action group of functions, and one of an API's schema.
FUNCTION: Event = {
    "messageVersion": "1.0",
    "agent": {"name": "shop", "id": "AGENT00001", "alias": "TSTALIASID", "version": "1"},
    "inputText": "Have you got lamps?",
    "sessionId": "1",
    "actionGroup": "products",
    "function": "listProducts",
    "parameters": [],
    "sessionAttributes": {"customer": "7"},
    "promptSessionAttributes": {},
}
API: Event = {
    **{name: value for name, value in FUNCTION.items() if name != "function"},
    "apiPath": "/products",
    "httpMethod": "GET",
}


def asking(event: Event, name: str, value: str) -> Event:
    """Return an event with a parameter."""
    return event | {"parameters": [{"name": name, "type": "string", "value": value}]}


def told(response: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """Return the text of an answer, from either form."""
    inner = response["response"]
    body = inner.get("functionResponse", inner)["responseBody"]
    (media,) = body.values()
    return json.loads(media["body"])


def test_a_function_is_answered_with_text(dynamodb: object, stocked: Settings) -> None:
    said = answer_agent(FUNCTION, dynamodb, stocked.dynamodb.products_table)

    assert told(said) == {"products": [LAMP, KETTLE], "more": 0}
    body = said["response"]["functionResponse"]["responseBody"]["TEXT"]["body"]
    assert said == {
        "messageVersion": "1.0",
        "response": {
            "actionGroup": "products",
            "function": "listProducts",
            "functionResponse": {"responseBody": {"TEXT": {"body": body}}},
        },
        "sessionAttributes": {"customer": "7"},
        "promptSessionAttributes": {},
    }


def test_a_path_is_answered_with_json_and_a_status(dynamodb: object, stocked: Settings) -> None:
    said = answer_agent(API, dynamodb, stocked.dynamodb.products_table)

    body = json.dumps({"products": [LAMP, KETTLE], "more": 0})
    assert said["response"] == {
        "actionGroup": "products",
        "apiPath": "/products",
        "httpMethod": "GET",
        "httpStatusCode": 200,
        "responseBody": {"application/json": {"body": body}},
    }


@pytest.mark.parametrize(
    "event",
    [
        asking(FUNCTION, "productName", "LAMP"),
        asking(FUNCTION, "name", " lamp "),
        asking(API, "q", "desk l"),
        API
        | {
            "requestBody": {
                "content": {
                    "application/json": {
                        "properties": [{"name": "query", "type": "string", "value": "Desk"}]
                    }
                }
            }
        },
    ],
)
def test_a_name_is_looked_for_wherever_an_agent_puts_it(
    event: Event, dynamodb: object, stocked: Settings
) -> None:
    said = answer_agent(event, dynamodb, stocked.dynamodb.products_table)

    assert told(said) == {"products": [LAMP], "more": 0}


def test_products_beyond_the_first_megabyte_are_found(
    dynamodb: Any,  # noqa: ANN401 - boto3's client
    settings: Settings,
) -> None:
    table = settings.dynamodb.products_table
    for number in range(4):
        item = {"id": str(number), "name": f"Lamp {number}", "price": Decimal(5), "image": "x"}
        dynamodb.put_item(TableName=table, Item=encode_item(item | {"image": "x" * 390_000}))

    said = answer_agent(asking(FUNCTION, "name", "lamp"), dynamodb, table)

    assert [each["name"] for each in told(said)["products"]] == [f"Lamp {n}" for n in range(4)]


def test_an_answer_keeps_within_what_bedrock_takes(
    dynamodb: Any,  # noqa: ANN401 - boto3's client
    settings: Settings,
) -> None:
    table = settings.dynamodb.products_table
    description = '"Très" \\ joli\n' * 40
    for number in range(100):
        item = {"id": str(number), "name": f"Lamp {number:03}", "price": Decimal(5)}
        dynamodb.put_item(TableName=table, Item=encode_item(item | {"description": description}))

    said = answer_agent(FUNCTION, dynamodb, table)

    shown = told(said)
    assert len(json.dumps(said)) < 25_000
    assert len(shown["products"]) > 10
    assert len(shown["products"]) + shown["more"] == 100


def test_a_product_without_a_price_is_not_offered(
    dynamodb: Any,  # noqa: ANN401 - boto3's client
    stocked: Settings,
) -> None:
    table = stocked.dynamodb.products_table
    dynamodb.put_item(
        TableName=table, Item=encode_item({"id": "3", "name": "Desk", "price": "soon"})
    )

    said = answer_agent(asking(FUNCTION, "name", "desk"), dynamodb, table)

    assert told(said)["products"] == [LAMP]


@pytest.mark.parametrize("event", [FUNCTION, API])
def test_the_agent_learns_of_an_outage(event: Event, engine: str) -> None:
    assert engine
    nowhere = aws_client(
        "dynamodb",
        endpoint_url="http://127.0.0.1:9",
        config=Config(connect_timeout=5, retries={"total_max_attempts": 1}),
    )

    said = answer_agent(event, nowhere, "products")

    inner = said["response"]
    assert told(said) == {"error": "The products cannot be listed at the moment."}
    failed = inner.get("functionResponse", {}).get("responseState")
    assert (failed or inner["httpStatusCode"]) in {"FAILURE", 503}


def test_the_lambda_answers_from_the_table_that_the_environment_names(stocked: Settings) -> None:
    program = (
        "import json, sys; from cloudmart.ai.bedrock_action_group import handler;"
        "json.dump(handler(json.load(sys.stdin), None), sys.stdout)"
    )
    environ = os.environ | {"DYNAMODB_PRODUCTS_TABLE": stocked.dynamodb.products_table}

    ended = subprocess.run(  # noqa: S603 - Python, with our own program
        [sys.executable, "-c", program],
        input=json.dumps(FUNCTION),
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )

    assert told(json.loads(ended.stdout))["products"] == [LAMP, KETTLE]


class Catalogue:
    """A client that returns given items, in forms that our test engines cannot project."""

    def __init__(self, *items: Wire) -> None:
        self._items = items

    def scan(self, **_: object) -> dict[str, Any]:
        return {"Items": list(self._items)}


def test_one_bad_item_does_not_hide_the_others() -> None:
    bad = [
        {"id": {"S": f"{attribute} {kind}"}, attribute: value}
        for attribute in ("name", "description", "price")
        for kind, value in VALUES.items()
    ]

    said = told(
        answer_agent(FUNCTION, Catalogue(*bad, encode_item(KETTLE | {"price": 35})), "products")
    )

    assert KETTLE | {"price": 35} in said["products"]
