"""The API document has what its readers need."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloudmart.api_docs.document import operations
from cloudmart.app import create_app
from cloudmart.cli.commands import app as commands
from cloudmart.cli.openapi import SHARED
from cloudmart.health.report import MEDIA_TYPE as HEALTH
from cloudmart.http.problem import MEDIA_TYPE
from cloudmart.settings import Settings

DOCUMENT = create_app(SHARED).openapi()
OPERATIONS = {operation["operationId"]: operation for _, _, operation in operations(DOCUMENT)}


def test_the_committed_files_are_current() -> None:
    answer = CliRunner().invoke(commands, ["openapi", "--check"])

    assert answer.exit_code == 0, answer.output


def test_a_stale_file_is_reported_and_not_changed(tmp_path: Path) -> None:
    stale = tmp_path / "openapi.json"
    stale.write_text("{}")

    answer = CliRunner().invoke(commands, ["openapi", str(tmp_path), "--check"])

    assert answer.exit_code == 1
    assert "openapi.json, openapi.yaml" in answer.stderr
    assert stale.read_text() == "{}"


def test_what_is_written_is_the_document(tmp_path: Path) -> None:
    answer = CliRunner().invoke(commands, ["openapi", str(tmp_path)])

    assert answer.exit_code == 0
    assert json.loads((tmp_path / "openapi.json").read_text()) == DOCUMENT


def test_the_first_server_is_wherever_the_document_was_read() -> None:
    settings = Settings(public_base_url="https://shop.example.com")

    # Otherwise "Execute" over a port-forward would write to the public shop.
    assert create_app(settings).openapi()["servers"] == [
        {"url": "/"},
        {"url": "https://shop.example.com", "description": "The shop"},
    ]
    assert DOCUMENT["servers"] == [{"url": "/"}]


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_does_and_takes(name: str) -> None:
    operation = OPERATIONS[name]

    assert operation["summary"]
    assert operation["tags"]
    for parameter in operation.get("parameters", ()):
        assert parameter["description"], parameter["name"]
        assert parameter.get("examples") or parameter["schema"].get("examples"), parameter["name"]
    if body := operation.get("requestBody"):
        assert body["content"]["application/json"]["examples"]


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_field_is_described(name: str) -> None:
    fields = DOCUMENT["components"]["schemas"][name].get("properties", {})

    assert [field for field, schema in fields.items() if not schema.get("description")] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_error_is_a_problem_with_an_example(name: str) -> None:
    answers = OPERATIONS[name]["responses"]

    for status, answer in answers.items():
        # A probe that answers "no" is documented as well as one that answers "yes".
        if status >= "400" and HEALTH not in answer["content"]:
            assert list(answer["content"]) == [MEDIA_TYPE]
            assert answer["content"][MEDIA_TYPE]["examples"]
    assert "500" in answers


def test_the_document_has_every_answer_and_header_of_placing_an_order() -> None:
    answers = OPERATIONS["place_order"]["responses"]

    assert set(answers) == {
        *("201", "400", "403", "408", "409", "413", "414", "415", "422", "429", "500", "503")
    }
    limits = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
    assert set(answers["201"]["headers"]) == {"X-Request-ID", "Location", "ETag"} | limits
    for status in ("429", "503"):
        assert set(answers[status]["headers"]) == {"X-Request-ID", "Retry-After"} | limits
    assert set(answers["201"]["links"]) == {"get_order", "change_order", "delete_order"}
    assert set(answers["422"]["content"][MEDIA_TYPE]["examples"]) == {
        "unknown-product",
        "idempotency-key-reused",
        "invalid-request",
    }


def test_each_operation_with_one_order_or_ticket_documents_its_tag() -> None:
    told = {
        name
        for name, operation in OPERATIONS.items()
        if any("ETag" in answer["headers"] for answer in operation["responses"].values())
    }

    verbs = {"order": ("place", "get", "change"), "ticket": ("open", "get", "change")}
    assert told == {f"{verb}_{thing}" for thing, some in verbs.items() for verb in some}


def test_a_list_documents_the_link_to_its_next_page() -> None:
    assert "Link" in OPERATIONS["list_orders"]["responses"]["200"]["headers"]
