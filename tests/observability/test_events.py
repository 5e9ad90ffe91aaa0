"""The events of the log: each emitted event is declared, and each declared one is emitted."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudmart.observability.events import COMMON, MARK, declared_events, events_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "events.md"
_LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
_HELPERS = {
    "**_problem(scope)": {"problem"},
    "**_ids(scope)": {"order_id", "product_id", "ticket_id"},
    "**_named(kind, name)": {"order_id", "product_id", "ticket_id"},
    "**_change(action, customer, before)": {"action", "order_id", "customer", "before"},
    "**obstacle.event()": {"cause", "sentence", "answer", "remedy", "next_step"},
    "**error.obstacle.event()": {"cause", "sentence", "answer", "remedy", "next_step"},
}
"""The fields of calls that pass a mapping on."""


def _emitted() -> Iterator[tuple[str, set[str]]]:
    """Yield the event and the fields of each call that logs."""
    for path in sorted((ROOT / "cloudmart").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and (levels := _levels(call.func)):
                (name,) = call.args
                assert isinstance(name, ast.Constant), f"{path}: an event has a constant name"
                given = {
                    keyword.arg or f"**{ast.unparse(keyword.value)}" for keyword in call.keywords
                }
                yield str(name.value), _fields(given, levels)


def _levels(function: ast.expr) -> set[str]:
    """Return the levels at which a call may log; none if it is no call of a logger."""
    if isinstance(function, ast.IfExp):
        return _levels(function.body) | _levels(function.orelse)
    logger = isinstance(function, ast.Attribute) and "log" in ast.unparse(function.value).lower()
    return {function.attr} & _LEVELS if logger and isinstance(function, ast.Attribute) else set()


def _fields(given: set[str], levels: set[str]) -> set[str]:
    fields = {"exception"} if "exception" in levels or "exc_info" in given else set()
    for field in given - {"exc_info"}:
        fields |= _HELPERS[field] if field.startswith("**") else {field}
    return fields


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8").partition(MARK)[2] == f"\n{events_page()}", "run `make docs`"


def test_every_event_is_declared_and_every_declared_event_is_emitted() -> None:
    assert {name for name, _ in _emitted()} == set(declared_events())


def test_every_field_is_declared_and_every_declared_field_is_emitted() -> None:
    fields: dict[str, set[str]] = {}
    for name, some in _emitted():
        fields[name] = fields.get(name, set()) | some - set(COMMON)

    declared = {name: set(event.fields) - set(COMMON) for name, event in declared_events().items()}
    assert fields == declared


def test_the_page_says_which_events_name_orders() -> None:
    text = PAGE.read_text("utf-8").partition(MARK)[0]

    named = [name for name, event in declared_events().items() if event.names_orders]

    assert named
    for name in named:
        assert f"`{name}`" in text, name


@pytest.mark.parametrize("name", sorted(declared_events()))
def test_a_name_is_made_of_small_words(name: str) -> None:
    assert name.replace("_", "").isalpha()
    assert name.islower()
