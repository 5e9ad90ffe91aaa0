"""The running shop gets requests that are generated from its own document."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.dev_process import running_shop

pytestmark = pytest.mark.conformance

ROOT = Path(__file__).parents[2]


def test_the_shop_does_what_its_document_says(tmp_path: Path) -> None:
    with running_shop() as home:
        report = subprocess.run(  # noqa: S603 - pinned, from our own environment
            [
                Path(sys.executable).with_name("st"),
                "--config-file",
                ROOT / "schemathesis.toml",
                "run",
                f"{home}/openapi.json",
                "--wait-for-schema=30",
                "--no-color",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )

    print(report.stdout)  # noqa: T201 - what was tried, and how to try it again
    assert report.returncode == 0, report.stdout
