"""Prometheus' own programs; a test that needs one fails where `make prometheus` has not run."""

import shutil
import subprocess
from pathlib import Path

_FETCHED = Path(__file__).parents[2] / ".cache" / "prometheus"


def program(name: str) -> str:
    """Return the path of `promtool`, `prometheus`, `amtool` or `prometheus-alertmanager`."""
    found = shutil.which(name) or shutil.which(_FETCHED / name)
    assert found, f"{name} is missing: `make prometheus` brings it"
    return found


def ran(name: str, *words: str, within: Path) -> "subprocess.CompletedProcess[str]":
    """Run a program in a directory, and return how it ended."""
    return subprocess.run(  # noqa: S603 - a program of Prometheus', on our own files
        [program(name), *words],
        cwd=within,
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
