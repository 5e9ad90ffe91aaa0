"""The page that says who may do what."""

from pathlib import Path

from cloudmart.access.rights import MARK, RIGHTS, rights_page

PAGE = Path(__file__).parents[2] / "docs" / "access.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8").partition(MARK)[2] == f"\n{rights_page()}", "run `make docs`"


def test_every_entry_is_on_it_once() -> None:
    assert [rights_page().count(f"`{entry}`") for entry in RIGHTS] == [1] * len(RIGHTS)
