"""The catalogue, the checks and the tests have the same findings."""

import re
from collections import Counter
from pathlib import Path

import pytest

from cloudmart.doctor.checklist import checklist
from cloudmart.doctor.registry import CHECKS, catalogue

_HERE = Path(__file__).parent
_NOT_THESE = {"test_catalogue.py", "test_engine.py", "test_healthy.py"}
ENTRIES = list(catalogue())


def test_every_finding_is_made_by_one_check() -> None:
    made = Counter(key for each in CHECKS for key in each.findings)

    assert {key for key, times in made.items() if times > 1} == set()
    assert set(made) == {each.id for each in ENTRIES}


def test_parents_are_findings_that_are_made() -> None:
    made = {key for each in CHECKS for key in each.findings}

    assert {key for each in CHECKS for key in each.parents} <= made


def test_every_check_has_a_unique_name() -> None:
    assert {name for name, times in Counter(each.name for each in CHECKS).items() if times > 1} == (
        set()
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda each: each.id)
def test_every_finding_has_its_words_and_its_line(entry: object) -> None:
    found = catalogue()[getattr(entry, "id", "")]

    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", found.id)
    assert found.line in checklist()
    for text in (found.text, found.why, found.fix):
        assert text
        assert text[0].isupper() or text[0] in "`{" or text.startswith(("kubectl", "cloudmart"))


@pytest.mark.parametrize("key", [each.id for each in ENTRIES])
def test_a_test_makes_every_finding(key: str) -> None:
    tests = [
        file.read_text("utf-8")
        for file in sorted(_HERE.glob("test_*.py"))
        if file.name not in _NOT_THESE
    ]

    assert any(f'"{key}"' in text for text in tests)
