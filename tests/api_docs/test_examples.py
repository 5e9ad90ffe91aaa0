"""Every example of the document, sent to a shop with the sample data."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from jsonschema_rs import Draft202012Validator

from cloudmart.api_docs.document import operations
from cloudmart.app import create_app
from cloudmart.composition.clients import open_database
from cloudmart.local.seed import seed_tables
from cloudmart.settings import DynamoDBSettings, Environment, Settings
from cloudmart.tables.schema import shop_tables
from tests.support.ready_app import serving
from tests.support.shop_tables import CALL_WITHIN

DOCUMENT = create_app(Settings(public_base_url=None)).openapi()


@dataclass(frozen=True, slots=True)
class Sample:
    """A request in the document, and its documented answers."""

    method: str
    path: str
    values: dict[tuple[str, str], Any]
    body: Any
    answers: dict[str, Any]

    @property
    def success(self) -> int:
        """Return the expected status."""
        return int(min(status for status in self.answers if status.startswith("2")))

    def placed(self, place: str) -> dict[str, Any]:
        """Return the parameters of one place: path, query or header."""
        return {name: value for (where, name), value in self.values.items() if where == place}


def _values(parameter: dict[str, Any]) -> list[Any]:
    named = [example["value"] for example in parameter.get("examples", {}).values()]
    return named or parameter["schema"].get("examples", [])


def _samples() -> Iterator[Sample]:
    """Yield each operation with each of its examples: those of parameters, then the body's."""
    for method, path, operation in operations(DOCUMENT):
        parameters = operation.get("parameters", [])
        needed = {(p["in"], p["name"]): _values(p)[0] for p in parameters if p["required"]}
        alone = [{(p["in"], p["name"]): value} for p in parameters for value in _values(p)]
        tried = [needed, *(needed | one for one in alone if needed | one != needed)]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        bodies = [example["value"] for example in content.get("examples", {}).values()] or [None]
        requests = [(values, bodies[0]) for values in tried]
        for values, body in [*requests, *((needed, body) for body in bodies[1:])]:
            yield Sample(method, path, values, body, operation["responses"])


# Deletions come last, so that all other examples find the sample data complete.
SAMPLES = sorted(_samples(), key=lambda sample: sample.method == "DELETE")


@pytest.fixture(scope="module")
def furnished(dynamodb: Any) -> Iterator[TestClient]:  # noqa: ANN401 - boto3's clients have no type
    """Provide a client of a shop with the sample data that the examples name."""
    names = DynamoDBSettings(
        **{
            f"{kind}_table": f"{uuid4().hex[:12]}-{kind}"
            for kind in ("products", "orders", "tickets", "conversations")
        },
        timeout=CALL_WITHIN,
    )
    settings = Settings(environment=Environment.LOCAL, dynamodb=names)

    async def fill() -> None:
        async with open_database(settings) as database:
            await seed_tables(database, names, empty=False)

    asyncio.run(fill())
    with serving(create_app(settings)) as client:
        yield client
    for schema in shop_tables(names):
        dynamodb.delete_table(TableName=schema.name)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.method} {sample.path}")
def test_an_example_is_answered_as_documented(furnished: TestClient, sample: Sample) -> None:
    ids = sample.placed("path")
    address = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], sample.path)

    answer = furnished.request(
        sample.method,
        address,
        params=sample.placed("query"),
        headers=sample.placed("header"),
        json=sample.body,
    )

    assert answer.status_code == sample.success, answer.text
    kind = answer.headers["content-type"]
    if schema := sample.answers[str(sample.success)]["content"][kind].get("schema"):
        # The schema keeps the document around it, because its references point there.
        Draft202012Validator({**DOCUMENT, "allOf": [schema]}).validate(answer.json())
