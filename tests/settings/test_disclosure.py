"""No secret is shown, wherever it was written."""

import json

import pytest

from cloudmart.cli.config import as_document
from cloudmart.settings import load_settings
from cloudmart.settings.report import masked, refusal
from cloudmart.settings.variables import variables

CANARY = "sk-Zp3Q8R7kLmNoPqRsTuVwXyZ012345"


FORMS = [
    "{}",
    '"{}"',
    "{}\n",
    "<{}>",
    "https://ann:{}@shop.org",
    "http://shop.org/{}",
    "arn:aws:iam::210987654321:user/{}",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_key_in_any_setting_shows_nowhere(form: str) -> None:
    environ = {variable.name: form.format(CANARY) for variable in variables().values()}

    loaded = load_settings(environ)

    assert CANARY not in refusal(loaded.report.refusals)
    assert CANARY not in repr(loaded.report)
    assert CANARY not in json.dumps(as_document(loaded))


def test_a_long_value_is_cut() -> None:
    assert masked("wrong " * 30) == f"{('wrong ' * 30)[:80]}…"


def test_a_password_in_an_address_is_left_out() -> None:
    assert masked("postgres://ann:pw@host/orders") == "postgres://…@host/orders"


def test_names_and_arns_are_shown_whole() -> None:
    for value in ("cloudmart-dynamodb-to-bigquery-production", "arn:aws:iam::1:role/cloudmart-pod"):
        assert masked(value) == value
