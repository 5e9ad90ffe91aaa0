"""The causes as `docs/operations.md` ends with them; `make docs` writes them there."""

import re
import sys
from pathlib import Path

from cloudmart.health.causes import Cause, all_causes

MARK = "<!-- What follows is written by `make docs`. -->\n"

_HEAD = "| cause | what probes and logs say | what to do | run first |\n|---|---|---|---|\n"


def causes_page() -> str:
    """Return a section for each group of causes."""
    return "\n".join(
        f"### {title}\n\n{_HEAD}{''.join(map(_row, causes))}"
        for title, causes in all_causes().items()
    )


def main(page: Path) -> None:
    """Renew the end of a page."""
    text = page.read_text().partition(MARK)[0]
    page.write_text(f"{text}{MARK}\n{causes_page()}")


def _row(cause: Cause) -> str:
    ends = "" if cause.passes else " The start does not wait for it: it ends at once."
    # Outside of code, a word in angle brackets would be read as HTML.
    said, done = (
        re.sub(r"[{<](\w+)[}>]", r"`<\1>`", text) for text in (cause.sentence, cause.remedy)
    )
    command = re.sub(r"\{(\w+)\}", r"<\1>", cause.command)
    return f"| `{cause.code}` | {said} | {done}{ends} | `{command}` |\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
