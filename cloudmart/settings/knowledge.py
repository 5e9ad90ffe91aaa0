"""What a shop tells its customers about itself: sections of Markdown, read once and checked."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, SkipValidation

if TYPE_CHECKING:
    from sqlite3 import Connection

MOST_BYTES = 200_000
"""Bytes that all files together may have."""

MOST_FILES = 100
LONGEST_SECTION = 4000
"""Characters of a section: it is given to a model as a whole."""

LONGEST_HEADING = 100

SAMPLE = Path(__file__).parents[1] / "local" / "knowledge.md"
"""The sample of local mode."""

_ENDINGS = (".md", ".markdown")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_BLOCK = re.compile(r"\s*([-*+>|#]|\d+[.)]|$)")
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---(\n|\Z)", re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# A heading of a lower level belongs to its section.
_LOWEST = 2


@dataclass(frozen=True, slots=True)
class KnowledgeSection:
    """A topic: its heading, and its text as Markdown."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The sections of a file or a directory, and a digest of what they were read from."""

    path: Path
    digest: str
    sections: tuple[KnowledgeSection, ...]

    def __str__(self) -> str:
        return self.digest


def read_knowledge(path: Path, connect: "Callable[[str], Connection] | None" = None) -> Knowledge:
    """Return what a file, or the Markdown files of a directory, say.

    `connect` opens a database of SQLite, by default as Python does.

    Raises:
        ValueError: they cannot be read, or searched; the message ends a sentence about the path.
    """
    _check_search(connect)
    digest = hashlib.sha256()
    sections: dict[str, KnowledgeSection] = {}
    left = MOST_BYTES
    for file in _files(path):
        content = _content(file, left)
        left -= len(content)
        digest.update(file.name.encode(errors="surrogateescape") + b"\0" + content + b"\0")
        for section in _sections(file.name, _text(file.name, content)):
            if sections.setdefault(section.heading.casefold(), section) is not section:
                raise ValueError(f"has two sections with the heading {section.heading!r}")
    return Knowledge(path, digest.hexdigest()[:12], tuple(sections.values()))


def _check_search(connect: "Callable[[str], Connection] | None") -> None:
    # Only a shop that has told something needs SQLite, which takes 2 MB.
    import sqlite3  # noqa: PLC0415

    connection = (connect or sqlite3.connect)(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE tried USING fts5(text)")
    except sqlite3.OperationalError:
        raise ValueError(
            f"cannot be searched: SQLite {sqlite3.sqlite_version} of this Python has no FTS5. "
            "Use our image, or a Python whose SQLite has it"
        ) from None
    finally:
        connection.close()


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        found = sorted(path.iterdir())
        root = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"names what cannot be read: {_reason(error)}") from None
    files = [
        file for file in found if file.suffix.lower() in _ENDINGS and not file.name.startswith(".")
    ]
    if not files:
        raise ValueError("names a directory without a Markdown file (*.md)")
    if len(files) > MOST_FILES:
        raise ValueError(f"names a directory with more than {MOST_FILES} Markdown files")
    for file in files:
        # The files of a mounted ConfigMap are links to others inside its directory.
        try:
            inside = file.resolve(strict=True).is_relative_to(root)
        except (OSError, RuntimeError) as error:
            raise ValueError(f"has {file.name!r}, which cannot be read: {_reason(error)}") from None
        if not inside:
            raise ValueError(f"has {file.name!r}, which is a link to a place outside it")
    return files


def _content(file: Path, most: int) -> bytes:
    try:
        if not file.exists():
            raise ValueError("names a file that is not there")
        if not file.is_file():
            raise ValueError(f"has {file.name!r}, which is no regular file")
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError as error:
        raise ValueError(f"has {file.name!r}, which cannot be read: {_reason(error)}") from None
    if len(content) > most:
        raise ValueError(f"is larger than {MOST_BYTES // 1000} kB: shorten it")
    return content


def _reason(error: Exception) -> str:
    # A loop of links is a RuntimeError of pathlib's.
    return (getattr(error, "strerror", None) or "it is a link to itself").lower()


def _text(name: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"has {name!r}, which is not UTF-8 (byte {error.start + 1}): save it as UTF-8"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _CONTROLS.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ValueError(f"has {name!r}, with a control character in line {line}")
    return _COMMENT.sub("", _FRONT_MATTER.sub("", text))


def _sections(name: str, text: str) -> Iterator[KnowledgeSection]:
    found = False
    for heading, level, body in _divided(text):
        if not level:
            if body:
                raise ValueError(f"has {name!r}, with text above its first heading")
            continue
        found = True
        if not heading:
            raise ValueError(f"has {name!r}, with an empty heading")
        if len(heading) > LONGEST_HEADING:
            raise ValueError(
                f"has a heading of more than {LONGEST_HEADING} characters: {heading[:40]!r}…"
            )
        if len(body) > LONGEST_SECTION:
            raise ValueError(
                f"has a section {heading!r} of {len(body):,} characters: divide it, "
                f"{LONGEST_SECTION:,} are the most"
            )
        if body:
            yield KnowledgeSection(heading, body)
        elif level > 1:
            raise ValueError(f"has a section {heading!r} without a text")
    if not found:
        raise ValueError(
            f"has {name!r}, which has no heading: begin each topic with a line `## Topic`"
        )


def _divided(text: str) -> Iterator[tuple[str, int, str]]:
    """Yield the heading, its level and the body of each part; the first has level 0."""
    heading, level = "", 0
    body: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and fence in {"", mark[1]}:
            fence = "" if fence else mark[1]
        begun = None if fence or mark else _begins(line, body)
        if begun is None:
            body.append(line)
            continue
        yield heading, level, "\n".join(body).strip()
        heading, level = begun
        body = []
    yield heading, level, "\n".join(body).strip()


def _begins(line: str, body: list[str]) -> tuple[str, int] | None:
    """Return the heading and the level of a section that a line begins, if it begins one."""
    if (found := _HEADING.fullmatch(line)) and len(found[1]) <= _LOWEST:
        return _plain_heading(found[2] or ""), len(found[1])
    underlined = _UNDERLINE.fullmatch(line) and body and not _BLOCK.match(body[-1])
    if underlined:
        return _plain_heading(body.pop()), 1 if "=" in line else 2
    return None


def _plain_heading(text: str) -> str:
    return " ".join(re.sub(r"[*_`]|\[([^\]]*)\]\([^)]*\)", r"\1", text).split())


def _read(value: Any) -> Any:  # noqa: ANN401 - what is no text is a value that was read before
    return read_knowledge(Path(value)) if isinstance(value, str | Path) else value


KnowledgeFiles = Annotated[Knowledge, SkipValidation, BeforeValidator(_read)]
"""The path of a Markdown file or a directory, which is read."""
