"""The catalogue of a verification's findings, and the page that is written from it."""

from pathlib import Path

from cloudmart.verify.failed_layer import WHAT_TO_DO
from cloudmart.verify.page import MARK, steps_page
from cloudmart.verify.run import NOTHING_LEFT, STEPS, verify_catalogue

PAGE = Path(__file__).parents[2] / "docs" / "verify.md"


def test_each_finding_is_a_step_and_each_step_a_finding() -> None:
    steps = [step.id for step in STEPS]

    assert sorted([*steps, NOTHING_LEFT]) == sorted(entry.id for entry in verify_catalogue())
    assert len(steps) == len(set(steps))


def test_a_step_comes_after_its_parents() -> None:
    before: set[str] = set()
    for step in STEPS:
        assert set(step.parents) <= before, step.id
        before.add(step.id)


def test_the_page_is_current_and_has_a_heading_for_each_finding() -> None:
    text = PAGE.read_text("utf-8")

    assert text.partition(MARK)[2].strip() == steps_page().strip(), "run `make docs`"
    assert all(f"### {entry.id}\n" in text for entry in verify_catalogue())


def test_the_page_says_what_to_do_about_each_layer() -> None:
    table = PAGE.read_text("utf-8").partition(MARK)[0]

    for layer, remedy in WHAT_TO_DO.items():
        cell = remedy.replace("{request}", "<request id>").replace("|", "\\|")
        assert f"| {cell} |\n" in table, layer
