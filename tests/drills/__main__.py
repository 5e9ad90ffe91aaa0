"""Play drills: `make drill NAME`, or several names; without one, list them."""

import sys
import tempfile
from pathlib import Path

from tests.drills.drill import drills
from tests.drills.run import play


def main(names: list[str]) -> int:
    """Play the drills of some names, and return the exit code."""
    known = drills()
    if not names or set(names) - known.keys():
        for each in known.values():
            sys.stdout.write(f"  {each.name:<22} {each.words}\n")
        return 2 if names else 0
    failed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as directory:
            outcome = play(known[name], Path(directory), lambda line: print(line, flush=True))  # noqa: T201
        failed += bool(outcome.complaints)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
