"""`python -m bench.many_chats` works; there are too few chats to measure anything."""

import json
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SMALL = ("--engine", "embedded", "--chats", "2", "--rounds", "1", "--seconds", "1")


def test_everybody_else_is_watched_without_chats_and_with_them() -> None:
    command = [sys.executable, "-m", "bench.many_chats", *_SMALL, "--answer", "0.1", "--json"]

    run = subprocess.run(  # noqa: S603 - our own command
        command, cwd=_ROOT, check=True, capture_output=True, timeout=120
    )

    (found,) = json.loads(run.stdout)
    assert set(found["idle"]) == set(found["busy"]) == {"/health", "/api/products"}
    assert list(found["footprints"]) == ["before", "idle", "early", "late"]
    assert found["answers"]["count"] >= 2
    assert found["answers"]["p50"] >= 100
