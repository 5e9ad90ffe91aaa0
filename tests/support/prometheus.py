"""Prometheus' own programs. A test that needs one fails without `make prometheus`."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.serve_process import free_port

_FETCHED = Path(__file__).parents[2] / ".cache" / "prometheus"


def program(name: str) -> str:
    """Return the path of `promtool`, `prometheus`, `amtool` or `prometheus-alertmanager`."""
    found = shutil.which(name) or shutil.which(_FETCHED / name)
    assert found, f"{name} is missing: `make prometheus` brings it"
    return found


def ran(name: str, *words: str, within: Path) -> "subprocess.CompletedProcess[str]":
    """Run a program in a directory, and return the result."""
    return subprocess.run(  # noqa: S603 - a program of Prometheus', on our own files
        [program(name), *words],
        cwd=within,
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )


@contextmanager
def prometheus(target: str, rules: Path, directory: Path) -> Iterator[str]:
    """Run a Prometheus that scrapes an address every second, and return its own address."""
    scraped = {
        "targets": [target.removeprefix("http://")],
        "labels": {"namespace": "default", "pod": "pod-1"},
    }
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "cloudmart", "static_configs": [scraped]}],
    }
    file = directory / "prometheus.yaml"
    file.write_text(json.dumps(config), "utf-8")
    port = free_port()
    with (directory / "prometheus.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - Prometheus, on our own files
            [
                program("prometheus"),
                f"--config.file={file}",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
