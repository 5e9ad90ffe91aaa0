"""`cloudmart assistants eval`, as a person runs it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.cli_process import Ended, running

GOOD = """
[[case]]
id = "a-lamp-has-its-price"
kind = "browsing"
offline = true
[[case.turns]]
say = "Do you have a desk lamp?"
must.contain = ["19.99"]

[[case]]
id = "models-only"
kind = "browsing"
[[case.turns]]
say = "Compose a sonnet about lamps."
must.contain = ["sonnet"]
"""
BAD = """
[[case]]
id = "a-lamp-is-a-bargain"
kind = "browsing"
offline = true
[[case.turns]]
say = "Do you have a desk lamp?"
must.contain = ["0.99"]
"""


def evaluate(*options: str, **environ: str) -> Ended:
    """Run the evaluation to its end, without a key of a provider."""
    keyless = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}
    with running("-m", "cloudmart", "assistants", "eval", *options, **keyless | environ) as command:
        return command.ended()


def folder(path: Path, text: str) -> str:
    """Return a folder of cases."""
    (path / "cases.toml").write_text(text)
    return str(path)


def test_cases_that_pass_end_with_zero(tmp_path: Path) -> None:
    ended = evaluate("--cases", folder(tmp_path, GOOD))

    assert ended.code == 0, ended.err
    first, _, browsing, total = ended.out.splitlines()
    assert first == "Assistant: offline, rules"
    # It leaves out the case that is only for models.
    assert browsing.split()[:4] == ["browsing", "1/1", "0", "0"]
    assert total.split()[:4] == ["all", "1/1", "0", "0"]


def test_a_case_that_fails_is_shown_with_its_answer_and_ends_with_one(tmp_path: Path) -> None:
    ended = evaluate("--cases", folder(tmp_path, BAD))

    assert ended.code == 1
    assert "FAILED  a-lamp-is-a-bargain" in ended.out
    assert "  must, answer 1: it does not say '0.99'" in ended.out
    assert "  customer: Do you have a desk lamp?" in ended.out
    assert "$19.99" in ended.out


def test_a_report_can_be_compared_with_an_earlier_one(tmp_path: Path) -> None:
    cases, earlier = tmp_path / "cases", tmp_path / "earlier.json"
    cases.mkdir()
    earlier.write_text(evaluate("--cases", folder(cases, GOOD), "--json").out)
    (cases / "cases.toml").write_text(GOOD.replace("19.99", "0.99"))

    ended = evaluate("--cases", str(cases), "--against", str(earlier), "--repeat", "2")

    assert ended.code == 1
    assert "fails now: a-lamp-has-its-price" in ended.out
    assert "before: 1/1" in ended.out


def test_the_document_has_every_case_and_every_kind(tmp_path: Path) -> None:
    ended = evaluate("--cases", folder(tmp_path, GOOD + BAD), "--json", "--at-once", "2")

    document = json.loads(ended.out)
    assert ended.code == 1
    assert [(each["id"], each["passed"]) for each in document["cases"]] == [
        ("a-lamp-has-its-price", True),
        ("a-lamp-is-a-bargain", False),
    ]
    assert document["kinds"]["all"]["passed"] == 1
    assert document["provider"] == "offline"


WRONG: dict[str, tuple[Sequence[str], str]] = {
    "a provider without a key": (["--provider", "openai"], "OPENAI_API_KEY"),
    "an agent that is not configured": (["--provider", "bedrock"], "BEDROCK_"),
    "a provider that there is not": (["--provider", "clippy"], "clippy"),
    "a budget of nothing": (["--budget", "0"], "an amount of US dollars is wanted"),
    "a budget that is none": (["--budget", "NaN"], "an amount of US dollars is wanted"),
    "a report that is none": (["--against", __file__], "It is no report of an evaluation"),
    "a folder without cases": (["--cases", str(Path(__file__).parent)], "holds no case"),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_call_ends_with_two(name: str) -> None:
    options, expected = WRONG[name]

    ended = evaluate(*options)

    assert (ended.code, ended.out) == (2, "")
    assert expected in ended.err
