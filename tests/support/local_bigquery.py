"""A BigQuery emulator in its own process."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOME = Path(__file__).parents[2] / ".cache" / "local-bigquery"
"""The folder into which `make bigquery-emulator` installs it."""

PROJECT = "cloudmart"

_PATIENCE = 90.0
_LISTENING = re.compile(rb"running on (http://127\.0\.0\.1:\d+)")


def why_missing() -> str | None:
    """Return why no emulator can be started, or None."""
    if (HOME / ".ready").exists():
        return None
    return "There is no BigQuery emulator: `make bigquery-emulator` installs it (on Python 3.13)."


@contextmanager
def local_bigquery() -> Iterator[str]:
    """Run an empty BigQuery on a free port while the context lasts, and return its URL."""
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        command = [
            *(str(HOME / "bin" / "local-bigquery"), "serve", "--project", PROJECT),
            *("--host", "127.0.0.1", "--port", "0", "--grpc-port", "0"),
            *("--data-dir", str(Path(directory) / "data")),
        ]
        # DuckDB keeps its extensions in the home directory.
        environ = {"HOME": str(HOME / "home"), "PATH": os.environ["PATH"]}
        with log.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 - a fixed command
                command, env=environ, stdout=file, stderr=file
            )
        try:
            yield _url(process, log)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        if found := _LISTENING.search(log.read_bytes()):
            return found[1].decode()
        if process.poll() is not None:
            break
        time.sleep(0.1)
    msg = f"The BigQuery emulator did not start. {log.read_text()[-2000:]}"
    raise RuntimeError(msg)
