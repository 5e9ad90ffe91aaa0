"""Play drills: `make drill NAME`, or several names; without one, list them.

Each drill is played in a process of its own, since what one has counted would be seen by the next.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.drills.drill import Drill, drills
from tests.drills.run import DrillOutcome, play

_INTERRUPTED = 130
_COLOURS = {"  WRONG ": "\033[31m", "  fires ": "\033[33m", "  doctor": "\033[36m"}


def main(words: list[str]) -> int:
    """Play the drills of some names, and return the exit code."""
    parser = argparse.ArgumentParser("make drill", description="Break a shop on loopback.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="drills; without one, list them")
    parser.add_argument(
        "--json", action="store_true", help="print the outcome as JSON; what goes on, to stderr"
    )
    given = parser.parse_args(words)
    known = drills()
    unknown = [name for name in given.names if name not in known]
    if unknown:
        sys.stderr.write(f"There is no drill {', '.join(unknown)}. These are there:\n")
    if unknown or not given.names:
        for each in known.values():
            sys.stdout.write(f"  {each.name:<24} {each.words}\n")
        return 2 if unknown else 0
    try:
        if len(given.names) > 1:
            return max([_played_apart(name, as_json=given.json) for name in given.names])
        return _played(known[given.names[0]], as_json=given.json)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _played_apart(name: str, *, as_json: bool) -> int:
    options = ["--json"] if as_json else []
    words = [sys.executable, "-m", "tests.drills", *options, name]
    ended = subprocess.run(words, check=False)  # noqa: S603 - ourselves
    if ended.returncode == _INTERRUPTED:
        raise KeyboardInterrupt
    return ended.returncode


def _played(drill: Drill, *, as_json: bool) -> int:
    stream = sys.stderr if as_json else sys.stdout
    coloured = stream.isatty() and not os.environ.get("NO_COLOR")

    def say(line: str) -> None:
        colour = next((code for head, code in _COLOURS.items() if line.startswith(head)), "")
        stream.write(f"{colour}{line}\033[0m\n" if coloured and colour else f"{line}\n")
        stream.flush()

    with tempfile.TemporaryDirectory() as directory:
        outcome = play(drill, Path(directory), say)
    say(verdict(drill, outcome))
    if as_json:
        found = [{"id": each.id, "observed": each.observed} for each in outcome.found]
        sys.stdout.write(f"{json.dumps(asdict(drill) | asdict(outcome) | {'found': found})}\n")
    return 1 if outcome.complaints else 0


def verdict(drill: Drill, outcome: DrillOutcome) -> str:
    """Return in a sentence whether a drill went as it should."""
    if outcome.complaints:
        return f"The drill {drill.name} FAILED: see what is marked WRONG."
    return (
        f"The drill {drill.name} passed: {drill.cause} fired, and `cloudmart doctor` named "
        f"{drill.finding}."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
