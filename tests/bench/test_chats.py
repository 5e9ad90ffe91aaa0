"""`python -m bench.chats`, with chats too few to say anything about speed."""

import json
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SMALL = ("--engine", "embedded", "--chats", "2", "--seconds", "0.1", "--answer", "0.1")


def test_everybody_else_is_watched_without_chats_and_with_them() -> None:
    command = [sys.executable, "-m", "bench.chats", *_SMALL, "--json"]

    run = subprocess.run(  # noqa: S603 - our own command
        command, cwd=_ROOT, check=True, capture_output=True, timeout=120
    )

    findings = json.loads(run.stdout)
    assert set(findings["idle"]) == set(findings["busy"]) != set()
    assert list(findings["footprints"]) == ["before", "early", "late"]
    assert findings["answers"] >= 2
    assert findings["answer"]["p50"] >= 100
