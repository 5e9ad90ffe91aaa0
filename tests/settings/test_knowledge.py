"""The shop's texts for its customers: read at the start, or refused with a message."""

import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudmart.settings import load_settings
from cloudmart.settings.knowledge import SAMPLE, Knowledge, read_knowledge
from cloudmart.settings.report import SettingState, refusal

TOPIC = "## Shipping\n\nIt takes three days.\n"


def read(path: Path, content: str | bytes = TOPIC) -> Knowledge:
    """Return the settings' result for a file with some content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_knowledge(path)


def sections(knowledge: Knowledge) -> dict[str, str]:
    """Return the texts by their headings."""
    return {section.heading: section.text for section in knowledge.sections}


def test_the_sample_has_the_topics_that_customers_ask_about() -> None:
    knowledge = read_knowledge(SAMPLE)

    assert list(sections(knowledge)) == [
        "Shipping",
        "Returns and refunds",
        "Payment",
        "Opening hours",
        "Contact",
        "Privacy",
    ]


def test_local_mode_knows_the_sample_and_a_cluster_nothing() -> None:
    local = load_settings({"ENVIRONMENT": "local"}).settings.assistant.knowledge
    production = load_settings({}).settings.assistant.knowledge

    assert local == read_knowledge(SAMPLE)
    assert production is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# Help\n\n## A\none\n\n## B ##\ntwo\n", {"A": "one", "B": "two"}),
        ("\ufeff# A\r\none\r\n", {"A": "one"}),
        ("---\ntitle: Help\n---\n## A\none\n", {"A": "one"}),
        ("A\n===\none\n\nB\n---\ntwo\n", {"A": "one", "B": "two"}),
        ("## A\n### Small print\none\n", {"A": "### Small print\none"}),
        ("## A\n```\n## no heading\n```\none\n", {"A": "```\n## no heading\n```\none"}),
        ("## A\n- one\n---\n", {"A": "- one\n---"}),
        ("## **A** of `B`, [C](https://c.example)\none", {"A of B, C": "one"}),
        ("<!-- A note\n## of ours -->\n## A\none\n", {"A": "one"}),
        ("## A\n#5 is a number\n", {"A": "#5 is a number"}),
    ],
)
def test_a_heading_of_the_first_two_levels_begins_a_topic(
    tmp_path: Path, text: str, found: dict[str, str]
) -> None:
    assert sections(read(tmp_path / "help.md", text)) == found


def test_a_directory_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("## B\ntwo\n")
    (tmp_path / "a.MD").write_text("## A\none\n")
    (tmp_path / ".hidden.md").write_text("## C\nthree\n")
    (tmp_path / "notes.txt").write_text("## D\nfour\n")

    assert sections(read_knowledge(tmp_path)) == {"A": "one", "B": "two"}


def test_the_links_of_a_mounted_configmap_are_followed(tmp_path: Path) -> None:
    generation = tmp_path / "..2026_11_28"
    generation.mkdir()
    (generation / "help.md").write_text(TOPIC)
    (tmp_path / "..data").symlink_to(generation.name)
    (tmp_path / "help.md").symlink_to("..data/help.md")

    assert list(sections(read_knowledge(tmp_path))) == ["Shipping"]
    assert list(sections(read_knowledge(tmp_path / "help.md"))) == ["Shipping"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"## A\n\xff\n", "has 'help.md', which is not UTF-8 (byte 6): save it as UTF-8"),
        ("## A\na\0b\n", "has 'help.md', with a control character in line 2"),
        ("", "has 'help.md', which has no heading"),
        ("no heading at all", "has 'help.md', with text above its first heading"),
        ("text\n\n## A\none\n", "has 'help.md', with text above its first heading"),
        ("## A\none\n## a\ntwo\n", "has two sections with the heading 'a'"),
        ("## A\n\n## B\ntwo\n", "has a section 'A' without a text"),
        ("##\none\n", "has 'help.md', with an empty heading"),
        (f"## {'A' * 101}\none\n", "has a heading of more than 100 characters"),
        (f"## A\n{'b' * 4001}\n", "has a section 'A' of 4,001 characters: divide it"),
        (f"## A\n{'b' * 200_000}\n", "is larger than 200 kB: shorten it"),
    ],
)
def test_bad_text_is_refused_with_a_message(
    tmp_path: Path, content: str | bytes, what: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(what)}"):
        read(tmp_path / "help.md", content)


def test_files_may_be_large_together_only_up_to_the_limit(tmp_path: Path) -> None:
    for number in range(51):
        (tmp_path / f"{number}.md").write_text(f"## {number}\n{'b' * 3950}\n")

    with pytest.raises(ValueError, match="is larger than 200 kB: shorten it"):
        read_knowledge(tmp_path)


def test_many_files_are_refused(tmp_path: Path) -> None:
    for number in range(101):
        (tmp_path / f"{number}.md").write_text(f"## {number}\none\n")

    with pytest.raises(ValueError, match="more than 100 Markdown files"):
        read_knowledge(tmp_path)


def _nothing(path: Path) -> Path:
    return path / "help.md"


def _empty(path: Path) -> Path:
    return path


def _dangling(path: Path) -> Path:
    (path / "help.md").symlink_to("nowhere.md")
    return path


def _loop(path: Path) -> Path:
    (path / "help.md").symlink_to("help.md")
    return path


def _outside(path: Path) -> Path:
    (path / "secret.md").write_text(TOPIC)
    (path / "shop").mkdir()
    (path / "shop" / "help.md").symlink_to("../secret.md")
    return path / "shop"


def _pipe(path: Path) -> Path:
    os.mkfifo(path / "help.md")
    return path / "help.md"


def _directory(path: Path) -> Path:
    (path / "help.md").mkdir()
    return path


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (_nothing, "names a file that is not there"),
        (_empty, "names a directory without a Markdown file (*.md)"),
        (_dangling, "has 'help.md', which cannot be read: no such file or directory"),
        (_loop, "has 'help.md', which cannot be read: "),
        (_outside, "has 'help.md', which is a link to a place outside it"),
        (_pipe, "has 'help.md', which is no regular file"),
        (_directory, "has 'help.md', which is no regular file"),
    ],
)
def test_an_unreadable_file_is_a_configuration_fault(
    tmp_path: Path, made: Callable[[Path], Path], what: str
) -> None:
    report = load_settings({"ASSISTANT_KNOWLEDGE": str(made(tmp_path))}).report

    [fault] = report.refusals
    assert fault.state is SettingState.MALFORMED
    assert fault.sentence.startswith(f"ASSISTANT_KNOWLEDGE {what}")
    assert "ASSISTANT_KNOWLEDGE" in refusal(report.refusals)


class _NoFTS5:
    def execute(self, _: str) -> None:
        raise sqlite3.OperationalError("no such module: fts5")

    def close(self) -> None:
        pass


def test_a_python_without_fts5_is_reported_at_the_start() -> None:
    connect: Any = lambda _: _NoFTS5()  # noqa: E731

    with pytest.raises(ValueError, match=r"cannot be searched: SQLite .* has no FTS5\. Use our"):
        read_knowledge(SAMPLE, connect)
