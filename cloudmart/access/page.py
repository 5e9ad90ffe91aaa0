"""The table of rights as `docs/access.md` ends with it; `make docs` writes it there."""

import sys
from pathlib import Path

from cloudmart.access.rights import RIGHTS, Right

MARK = "<!-- What follows is written by `make docs`. -->\n"


def rights_page() -> str:
    """Return a row for each right: who may call what."""
    rows = (f"| {right} | {_operations(right)} |\n" for right in Right)
    return f"| who | may call |\n|---|---|\n{''.join(rows)}"


def main(page: Path) -> None:
    """Renew the end of a page."""
    text = page.read_text(encoding="utf-8").partition(MARK)[0]
    page.write_text(f"{text}{MARK}\n{rights_page()}", encoding="utf-8")


def _operations(right: Right) -> str:
    return "<br>".join(f"`{entry}`" for entry, whose in RIGHTS.items() if whose is right)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
