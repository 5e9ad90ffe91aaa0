"""Write the causes at the end of `docs/operations/runbook.md`; `make docs` runs it."""

import re
import sys
from pathlib import Path

from cloudmart.health.causes import Cause, all_causes

MARK = "<!-- What follows is written by `make docs`. -->\n"
_FACT = re.compile(r"[{<](\w+)[}>]")


def causes_page() -> str:
    """Return a section for each group of causes, with a heading for each cause."""
    return "\n".join(
        "\n".join([f"## {title.removesuffix('.')}\n", *map(_entry, causes)])
        for title, causes in all_causes().items()
    )


def main(page: Path) -> None:
    """Renew the end of a page."""
    text = page.read_text(encoding="utf-8").partition(MARK)[0]
    page.write_text(f"{text}{MARK}\n{causes_page()}", encoding="utf-8")


def _entry(cause: Cause) -> str:
    ends = "" if cause.passes else " At the start, the process ends at once; it does not try again."
    # Outside of code, a word in angle brackets would be read as HTML.
    sentence, remedy, by_hand = map(_shown, (cause.sentence, cause.remedy, cause.by_hand))
    command = _FACT.sub(r"<\1>", cause.command)
    return (
        f"### `{cause.code}`\n\n**Message:** {sentence}\n\n**Run first:** `{command}`\n\n"
        f"**What to do:** {remedy}{ends}\n"
        + (f"\n**For a command on your own machine:** {by_hand}\n" if by_hand else "")
    )


def _shown(text: str) -> str:
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        _FACT.sub(r"<\1>" if part.startswith("`") else r"`<\1>`", part) for part in parts
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
