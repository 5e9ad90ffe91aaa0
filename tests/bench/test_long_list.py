"""`python -m bench.long_list` works; the list is too short to measure anything."""

import json
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SMALL = ("--engine", "embedded", "--orders", "60", "--rounds", "1", "--seconds", "0.5")


def test_a_list_is_read_and_everybody_else_is_watched_meanwhile() -> None:
    command = [sys.executable, "-m", "bench.long_list", *_SMALL, "--json"]

    run = subprocess.run(  # noqa: S603 - our own command
        command, cwd=_ROOT, check=True, capture_output=True, timeout=120
    )

    (found,) = json.loads(run.stdout)
    assert (found["list"]["count"], found["scan"]["count"]) == (60, 60)
    assert set(found["idle"]) == set(found["meanwhile"]) == {"/health", "/api/products"}
    assert min(found["list"]["seconds"], found["scan"]["seconds"], found["cpu"]) > 0
