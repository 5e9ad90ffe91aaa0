"""The measurement of what observability costs, with too few calls to say anything about it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FEW = "from bench.observability import main; main(rounds=1, calls=3, loops=3)"


def test_a_line_for_each_part_is_printed() -> None:
    # It changes how this process logs, and its environment.
    ended = subprocess.run(  # noqa: S603 - Python, with our own program
        [sys.executable, "-c", FEW], cwd=ROOT, capture_output=True, text=True, check=True
    )

    head, *lines = ended.stdout.splitlines()
    assert head == "µs of CPU"
    assert len(lines) == 8
    assert all(float(line.split()[0]) > 0 for line in lines[:7])
