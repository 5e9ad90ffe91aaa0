"""Files of cases: their content, and the messages for files that cannot be used."""

from pathlib import Path

import pytest

from cloudmart.evaluation.case import CaseFileError, load_cases, packaged_cases

CASE = """
[[case]]
id = "{id}"
kind = "browsing"
[[case.turns]]
say = "Do you have a desk lamp?"
must.contain = ["19.99", ["lamp", "light"]]
"""


def test_cases_come_in_the_order_of_their_files(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(CASE.format(id="third"))
    (tmp_path / "a.toml").write_text(CASE.format(id="first") + CASE.format(id="second"))
    (tmp_path / "notes.md").write_text("Not a case.")

    cases = load_cases(tmp_path)

    assert [case.id for case in cases] == ["first", "second", "third"]
    assert cases[0].turns[0].must.contain == ["19.99", ["lamp", "light"]]


BROKEN = {
    "no file": (None, "holds no case: expected are files that end in .toml."),
    "no TOML": ("[[case", "a.toml cannot be read: "),
    "no UTF-8": (b"\xff\xfe", "a.toml cannot be read: "),
    "something else": ("[cases]", "a.toml may hold [[case]] tables only."),
    "twice the same": (CASE.format(id="one") * 2, "Two cases have the id 'one'."),
    "no turns": (
        '[[case]]\nid = "one"\nkind = "help"',
        "a.toml, case 'one': turns: Field required.",
    ),
    "a kind that there is not": (
        CASE.format(id="one").replace("browsing", "looking"),
        "a.toml, case 'one': kind: Input should be ",
    ),
    "a misspelt expectation": (
        CASE.format(id="one").replace("must.contain", "must.contains"),
        "a.toml, case 'one': turns.0.must.contains: Extra inputs are not permitted.",
    ),
    "an order that there is not": (
        CASE.format(id="one").replace("[[case.turns]]", 'after = {x = "Canceled"}\n[[case.turns]]'),
        "the case: Value error, `after` names orders that are not in the case: x.",
    ),
    "a status that there is not": (
        CASE.format(id="one").replace("[[case.turns]]", 'after = {x = "gone"}\n[[case.turns]]'),
        "a.toml, case 'one': after.x",
    ),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_file_that_cannot_be_used_is_named(name: str, tmp_path: Path) -> None:
    content, expected = BROKEN[name]
    if isinstance(content, bytes):
        (tmp_path / "a.toml").write_bytes(content)
    elif content is not None:
        (tmp_path / "a.toml").write_text(content)

    with pytest.raises(CaseFileError) as caught:
        load_cases(tmp_path)

    assert expected in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match="is no folder"):
        load_cases(tmp_path / "nowhere")


def test_the_packaged_cases_cover_every_kind() -> None:
    cases = packaged_cases()

    assert len(cases) >= 120
    assert len({case.kind for case in cases}) == 10


def test_nearly_half_of_the_offline_cases_were_written_blind() -> None:
    offline = [case for case in packaged_cases() if case.offline]
    blind = [case for case in offline if case.id.startswith("asked-")]

    assert len(blind) >= 0.45 * len(offline)
