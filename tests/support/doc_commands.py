"""The shell commands of the pages. A comment above each block says which test runs it, if any."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    if path.name != "CHANGELOG.md"
]

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*) -->\n)?"
    r"^(?P<indent> *)```(?P<kind>sh|bash|console)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_INNER = re.compile(r'"?\$\([^)]*\)"?')
_PROMPT = "$ "


@dataclass(frozen=True, slots=True)
class ShellBlock:
    """A block of commands on a page."""

    page: str
    mark: str
    text: str
    console: bool

    @property
    def commands(self) -> Iterator[str]:
        """The commands without their output, each on one line."""
        whole = self.text.replace("\\\n", " ")
        for line in whole.splitlines():
            if not self.console:
                yield line.strip()
            elif line.startswith(_PROMPT):
                yield line.removeprefix(_PROMPT)

    @property
    def output(self) -> list[str]:
        """The lines of output that the page shows."""
        return [line for line in self.text.splitlines() if not line.startswith(_PROMPT)]


def blocks() -> list[ShellBlock]:
    """Return the blocks of all pages."""
    return [
        ShellBlock(
            str(page.relative_to(ROOT)),
            found["mark"] or "",
            re.sub(rf"(?m)^{found['indent']}", "", found["text"]),
            found["kind"] == "console",
        )
        for page in PAGES
        for found in _BLOCK.finditer(page.read_text("utf-8"))
    ]


def words_after(program: str, command: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of a program in the blocks."""
    calls = rf"(?:^|[|;&(] *)(?:\.venv/bin/)?{program} ([^|;&)#]*)"
    for found in re.finditer(calls, _INNER.sub("printed", command)):
        yield shlex.split(found[1], comments=True)
