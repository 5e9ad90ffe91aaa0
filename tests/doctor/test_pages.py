"""The pages that are written from the catalogue."""

import re
from pathlib import Path

from cloudmart.doctor.checklist import checklist
from cloudmart.doctor.pages import checklist_page, findings_page
from cloudmart.doctor.registry import catalogue

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pages_are_not_stale() -> None:
    for name, page in (("checklist.md", checklist_page()), ("findings.md", findings_page())):
        assert (DOCS / name).read_text("utf-8") == page, f"{name} is stale: `make docs`"


def test_every_finding_has_a_heading_and_the_link_leads_to_it() -> None:
    headings = re.findall(r"(?m)^### (.+)$", findings_page())

    assert headings == [each.id for each in catalogue()]
    assert len(set(headings)) == len(headings)


def test_the_checklist_has_its_seventeen_lines() -> None:
    page = checklist_page()

    assert len(checklist()) == 17
    for line in checklist().values():
        assert f"| {line.text} | `{line.command}` |" in page


def test_a_fix_that_begins_with_a_command_names_the_command() -> None:
    facts = {name for each in catalogue() for name in re.findall(r"`\{(\w+)\}", each.fix)}
    page = findings_page()

    assert {"restart", "update_trust"} <= facts
    assert [name for name in sorted(facts) if f"`<{name.replace('_', '-')}>" in page] == []
