"""Findings as output: lines for people, JSON and JUnit for programs."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from cloudmart.findings.finding import CheckExit, CheckFinding, CheckStatus

FIRST_STEPS = 5
"""How many first steps are shown to a person."""

_LONG = 100  # characters that one line may well have


def as_json(findings: Sequence[CheckFinding], code: CheckExit, **facts: object) -> str:
    """Return findings as one JSON document."""
    counts = Counter(each.status for each in findings)
    document: dict[str, Any] = {
        "exit": int(code),
        "counts": {status: counts[status] for status in CheckStatus},
        **facts,
        "findings": [each.document() for each in findings],
    }
    return json.dumps(document, indent=2)


def as_junit(findings: Sequence[CheckFinding], suite: str) -> str:
    """Return findings as JUnit's XML: a test suite for each area.

    A warning passes, and tells itself in the test's output. An unknown finding is skipped.
    """
    root = ET.Element("testsuites", name=suite)
    for area in dict.fromkeys(each.area for each in findings):
        of_area = [each for each in findings if each.area == area]
        counts = Counter(each.status for each in of_area)
        skipped = counts[CheckStatus.SKIP] + counts[CheckStatus.UNKNOWN]
        parent = ET.SubElement(
            root,
            "testsuite",
            name=f"{suite}.{area}",
            tests=str(len(of_area)),
            failures=str(counts[CheckStatus.FAIL]),
            errors="0",
            skipped=str(skipped),
        )
        for each in of_area:
            _case(parent, each, suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(parent: ET.Element, finding: CheckFinding, suite: str) -> None:
    case = ET.SubElement(
        parent,
        "testcase",
        classname=f"{suite}.{finding.area}",
        name=finding.id,
        time=f"{finding.took:g}",
    )
    told = _printable("\n".join(_details(finding)))
    observed = _printable(finding.observed)
    match finding.status:
        case CheckStatus.FAIL:
            ET.SubElement(case, "failure", message=observed).text = told
        case CheckStatus.SKIP | CheckStatus.UNKNOWN:
            ET.SubElement(case, "skipped", message=f"{finding.status}: {observed}")
        case CheckStatus.WARN:
            ET.SubElement(case, "system-out").text = f"warning: {observed}\n{told}"
        case CheckStatus.PASS:
            if observed:
                ET.SubElement(case, "system-out").text = observed


def lines_of(finding: CheckFinding) -> Iterator[str]:
    """Yield a finding as lines for a person: one where there is nothing to do."""
    observed = f": {one_line(finding.observed)}" if finding.observed else ""
    yield f"{finding.status:<7} {finding.id}{observed}"
    if finding.status in {CheckStatus.WARN, CheckStatus.FAIL}:
        yield from (f"        {line}" for line in _details(finding))


def summary_of(findings: Sequence[CheckFinding]) -> str:
    """Return how many there are of each status, as one line."""
    counts = Counter(each.status for each in findings)
    told = [f"{counts[status]} {status}" for status in CheckStatus if counts[status]]
    return f"{', '.join(told) or 'nothing was checked'}."


def first_steps(
    findings: Sequence[CheckFinding], status: CheckStatus = CheckStatus.FAIL
) -> list[str]:
    """Return what to do first, in order: a line for each remedy of a status, a few at most."""
    steps: dict[str, list[str]] = {}
    for each in findings:
        if each.status is status and each.fix:
            steps.setdefault(each.fix, []).append(each.id)
    told = [f"{fix} ({', '.join(ids)})" for fix, ids in steps.items()]
    return [f"{number}. {step}" for number, step in enumerate(told[:FIRST_STEPS], 1)]


def show_findings(
    findings: Sequence[CheckFinding], write: Callable[[str], object], *, every: bool = False
) -> None:
    """Write findings for a person: what is wrong, a line for all the rest, what to do first.

    `every` shows what passed and what was skipped as well, a line each.
    """
    quiet = () if every else (CheckStatus.PASS, CheckStatus.SKIP)
    for each in findings:
        if each.status not in quiet:
            for line in lines_of(each):
                write(line)
    if not every:
        for line in skips_of(findings):
            write(line)
    for line in closing_lines(findings):
        write(line)


def closing_lines(findings: Sequence[CheckFinding]) -> Iterator[str]:
    """Yield how it ended: the counts, and what to do first; warnings where nothing failed."""
    yield summary_of(findings)
    title, steps = "Do this first:", first_steps(findings)
    if not steps:
        title, steps = "Look at this:", first_steps(findings, CheckStatus.WARN)
    if steps:
        yield title
        yield from (f"  {step}" for step in steps)


def one_line(text: str) -> str:
    """Return a text without line breaks, and without what would steer a terminal."""
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))


def skips_of(findings: Sequence[CheckFinding]) -> Iterator[str]:
    """Yield a line for each reason why something was skipped."""
    reasons: dict[str, list[str]] = {}
    for each in findings:
        if each.status is CheckStatus.SKIP:
            reasons.setdefault(each.observed, []).append(each.id)
    for reason, ids in reasons.items():
        named = ", ".join(ids)
        shown = named if len(named) <= _LONG else f"{len(ids)} findings"
        yield f"{CheckStatus.SKIP:<7} {shown}: {one_line(reason)}"


def _details(finding: CheckFinding) -> Iterator[str]:
    if finding.why:
        yield f"why: {one_line(finding.why)}"
    if finding.fix:
        yield f"fix: {one_line(finding.fix)}"
    if finding.docs:
        yield f"see: {finding.docs}"


def _printable(text: str) -> str:
    """Return a text without the characters that XML 1.0 has no way to write."""
    return (
        "".join(
            each if each in "\t\n\r" or (each >= " " and each not in "￾￿") else "?" for each in text
        )
        .encode("utf-8", "replace")
        .decode()
    )
