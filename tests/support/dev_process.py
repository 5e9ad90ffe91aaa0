"""The shop in its own process, started by `cloudmart dev` as a person does."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_HOME = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def running_shop(**environ: str) -> Iterator[str]:
    """Run the shop on a free port while the context lasts, and return its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudmart", "dev", "--port", "0"],
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.wait(timeout=60)
        if process.stdout:
            process.stdout.close()


def _address(process: subprocess.Popen[str]) -> str:
    for line in process.stdout or ():
        if found := _HOME.search(line):
            return found.group()
    msg = f"the shop did not start: exit code {process.wait()}"
    raise RuntimeError(msg)
