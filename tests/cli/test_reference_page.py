"""The reference of commands."""

from pathlib import Path

from cloudmart.cli.reference_page import MARK, reference_page

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "reference.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8").partition(MARK)[2] == f"\n{reference_page()}", "run `make docs`"


def test_an_option_is_listed_with_its_meaning_and_default() -> None:
    row = "| `--timeout` | Seconds that the new pods may take. | `900` |"

    assert row in reference_page().splitlines()
