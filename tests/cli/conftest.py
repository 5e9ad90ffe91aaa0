"""The command line in the test's process, with tables of the test."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from cloudmart.cli.commands import app
from cloudmart.settings import Settings

Cloudmart = Callable[..., Result]


@pytest.fixture
def cloudmart(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Cloudmart:
    """Provide a function that runs `cloudmart` with some arguments, and perhaps an input."""
    names = settings.dynamodb
    monkeypatch.setenv("DYNAMODB_PRODUCTS_TABLE", names.products_table)
    monkeypatch.setenv("DYNAMODB_ORDERS_TABLE", names.orders_table)
    monkeypatch.setenv("DYNAMODB_TICKETS_TABLE", names.tickets_table)
    monkeypatch.setenv("DYNAMODB_CONVERSATIONS_TABLE", names.conversations_table)

    def run(*words: object, input: bytes | None = None) -> Result:  # noqa: A002 - typer's word
        return CliRunner().invoke(app, [str(word) for word in words], input=input)

    return run
