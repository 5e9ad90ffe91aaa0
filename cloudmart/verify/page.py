"""The steps as `docs/verify.md` ends with them; `make docs` writes them there."""

import sys
from collections.abc import Iterator
from pathlib import Path

from cloudmart.verify.run import verify_catalogue

MARK = "<!-- What follows is written by `make docs`. -->\n"
_LAYER = ("{what_to_do}", "see [Layers](#layers)")


def steps_page() -> str:
    """Return a heading for each finding: what holds, why it matters, what to do."""
    return "\n".join(_lines())


def write_steps(page: Path) -> None:
    """Renew the end of a page."""
    text = page.read_text(encoding="utf-8").partition(MARK)[0]
    page.write_text(f"{text}{MARK}\n{steps_page()}", encoding="utf-8")


def _lines() -> Iterator[str]:
    for entry in verify_catalogue():
        fix = entry.fix.replace(*_LAYER)
        yield f"### {entry.id}\n\n{entry.text} If this fails: {entry.why}\n\nTo do: {fix}\n"


if __name__ == "__main__":
    write_steps(Path(sys.argv[1]))
