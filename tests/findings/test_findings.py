"""Findings, their exit codes and their outputs."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cloudmart.findings.catalogue import read_catalogue
from cloudmart.findings.finding import CheckExit, CheckFinding, CheckStatus, exit_of
from cloudmart.findings.output import as_json, as_junit, first_steps, show_findings

PASSED = CheckFinding("region-set", "identity", CheckStatus.PASS, "eu-central-1")
WARNED = CheckFinding("ttl-off", "dynamodb", CheckStatus.WARN, "off", "It grows.", "Turn it on.")
FAILED = CheckFinding(
    "table-missing", "dynamodb", CheckStatus.FAIL, "a\x00b", "Why.", "Do.", "docs/findings.md#x"
)
SKIPPED = CheckFinding("stream-off", "dynamodb", CheckStatus.SKIP, "table-missing: failed")
UNKNOWN = CheckFinding("role-trust", "identity", CheckStatus.UNKNOWN, "iam:GetRole is missing")

CATALOGUE = """
[identity.token-audience]
severity = "warn"
text = "The token is for AWS."
why = "It is for {audience}."
fix = '''
Roll the pods:
`kubectl rollout restart {deployment}`.
'''
line = "oidc"
"""


@pytest.mark.parametrize(
    ("findings", "strict", "code"),
    [
        ([PASSED, SKIPPED, UNKNOWN], True, CheckExit.PASSED),
        ([PASSED, WARNED], False, CheckExit.PASSED),
        ([PASSED, WARNED], True, CheckExit.WARNED),
        ([WARNED, FAILED], True, CheckExit.FAILED),
        ([FAILED.demoted({"table-missing"})], False, CheckExit.PASSED),
        ([FAILED.demoted({"table-missing"})], True, CheckExit.WARNED),
        ([FAILED.demoted({"another"})], False, CheckExit.FAILED),
    ],
)
def test_the_worst_finding_decides_the_exit_code(
    findings: list[CheckFinding], *, strict: bool, code: CheckExit
) -> None:
    assert exit_of(findings, strict=strict) is code


def test_programs_get_every_finding_whole() -> None:
    document = json.loads(as_json([PASSED, FAILED], CheckExit.FAILED, phase="pre"))

    assert document["exit"] == 1
    assert document["phase"] == "pre"
    assert document["counts"] == {"pass": 1, "warn": 0, "fail": 1, "skip": 0, "unknown": 0}
    assert document["findings"][0] == {
        "id": "region-set",
        "area": "identity",
        "status": "pass",
        "observed": "eu-central-1",
        "why": "",
        "fix": "",
        "docs": "",
    }


def test_junit_has_a_case_for_every_finding() -> None:
    text = as_junit([PASSED, WARNED, FAILED, SKIPPED, UNKNOWN], "doctor")

    suites = {each.get("name"): each for each in ET.fromstring(text)}  # noqa: S314 - our own
    assert set(suites) == {"doctor.identity", "doctor.dynamodb"}
    dynamodb = suites["doctor.dynamodb"]
    assert (dynamodb.get("tests"), dynamodb.get("failures"), dynamodb.get("skipped")) == (
        "3",
        "1",
        "1",
    )
    failure = dynamodb.find("testcase[@name='table-missing']/failure")
    assert failure is not None
    assert failure.get("message") == "a?b"
    assert failure.text == "why: Why.\nfix: Do.\nsee: docs/findings.md#x"


def test_people_get_a_line_for_each_reason_to_skip() -> None:
    lines: list[str] = []
    another = CheckFinding("ttl-on", "dynamodb", CheckStatus.SKIP, "table-missing: failed")

    show_findings([PASSED, FAILED, SKIPPED, another], lines.append)

    assert lines[:4] == [
        "fail    table-missing: a?b",
        "        why: Why.",
        "        fix: Do.",
        "        see: docs/findings.md#x",
    ]
    assert lines[4:] == [
        "skip    stream-off, ttl-on: table-missing: failed",
        "1 pass, 1 fail, 2 skip.",
        "Do this first:",
        "  1. Do. (table-missing)",
    ]


def test_people_may_see_every_finding() -> None:
    lines: list[str] = []

    show_findings([PASSED, SKIPPED], lines.append, every=True)

    assert lines == [
        "pass    region-set: eu-central-1",
        "skip    stream-off: table-missing: failed",
        "1 pass, 1 skip.",
    ]


def test_without_failures_a_person_learns_what_to_look_at() -> None:
    lines: list[str] = []
    warned = CheckFinding("settings-known", "configuration", CheckStatus.WARN, fix="Rename it.")

    show_findings([PASSED, warned], lines.append)

    assert lines[-3:] == ["1 pass, 1 warn.", "Look at this:", "  1. Rename it. (settings-known)"]


def test_a_person_gets_at_most_five_steps() -> None:
    many = [
        CheckFinding(str(number), "any", CheckStatus.FAIL, fix=f"Do {number}.")
        for number in range(9)
    ]

    assert first_steps(many) == [f"{number + 1}. Do {number}. ({number})" for number in range(5)]


def test_a_fix_for_several_findings_is_shown_once() -> None:
    same = [CheckFinding(key, "any", CheckStatus.FAIL, fix="Do it.") for key in ("a", "b")]

    assert first_steps(same) == ["1. Do it. (a, b)"]


def test_a_catalogue_fills_in_what_was_seen(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(CATALOGUE)

    entry = read_catalogue(file)["token-audience"]

    finding = entry.finding(entry.severity, "aud is x", {"audience": "x"})
    assert finding == CheckFinding(
        "token-audience",
        "identity",
        CheckStatus.WARN,
        "aud is x",
        "It is for x.",
        "Roll the pods: `kubectl rollout restart <deployment>`.",
        "docs/findings.md#token-audience",
    )
    assert entry.finding(CheckStatus.PASS, "aud is y").fix == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[a.x]\ntext="t"\nwhy="w"\nfix="f"\n[b.x]\ntext="t"\nwhy="w"\nfix="f"', "x is twice"),
        ('[a.x]\ntext="t"\nwhy="w"', "fix"),
        ('[a.x]\ntext="t"\nwhy="w"\nfix="f"\ncolour="red"', "colour"),
        ('[a.x]\ntext="t"\nwhy="w"\nfix="f"\nseverity="fatal"', "fatal"),
    ],
)
def test_a_catalogue_with_a_fault_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(text)

    with pytest.raises(ValueError, match=sentence):
        read_catalogue(file)
