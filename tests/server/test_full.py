"""Commands whose output cannot be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this machine has no device that is full")
@pytest.mark.parametrize("command", [["config"], ["config", "--json"], ["auth", "hash", "--stdin"]])
def test_a_full_disk_is_reported_in_one_line(command: list[str]) -> None:
    with FULL.open("w") as full:
        it = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "cloudmart", *command],
            input="correct horse battery",
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"]},
            check=False,
        )

    assert it.returncode == 1
    assert it.stderr == "The output cannot be written: No space left on device.\n"


def test_a_directory_for_the_document_that_is_a_file_is_reported_in_one_line(
    tmp_path: Path,
) -> None:
    place = tmp_path / "file"
    place.touch()

    it = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "cloudmart", "openapi", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert it.returncode == 1
    assert it.stderr == f"{place / 'openapi.json'} cannot be written: File exists.\n"
