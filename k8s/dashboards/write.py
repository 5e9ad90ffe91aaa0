"""Write the dashboards; `make dashboards` runs it.

python -m k8s.dashboards.write k8s/monitoring/dashboards
"""

import json
import sys
from pathlib import Path

from k8s.dashboards.pages import PAGES


def written() -> dict[str, str]:
    """Return the text of each file, by the file's name."""
    return {
        f"{page.uid}.json": json.dumps(page.document(), indent=2, ensure_ascii=False) + "\n"
        for page in PAGES
    }


def main(directory: Path) -> None:
    """Write all dashboards, and remove the files of those that no longer exist."""
    files = written()
    for each in directory.glob("*.json"):
        if each.name not in files:
            each.unlink()
    for name, text in files.items():
        (directory / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
