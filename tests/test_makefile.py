"""What `make` prints and does on a machine with little installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKED = ROOT / ".ci" / "locked"


def test_a_python_that_is_not_there_is_reported_with_a_message(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text("utf-8"), "utf-8")
    (tmp_path / "requirements").mkdir()
    for needed in ("pyproject.toml", "requirements/local.txt"):
        (tmp_path / needed).touch()

    made = subprocess.run(
        ["make", "dev", "PYTHON=python9"],  # noqa: S607 - make
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )

    assert made.returncode != 0
    assert made.stderr.startswith(
        "There is no python9 on this machine. CloudMart needs Python 3.11"
    )
    assert "command not found" not in made.stderr


def test_of_two_that_set_up_at_once_the_second_waits_and_finds_the_work_done(
    tmp_path: Path,
) -> None:
    work = "test -e done && exit; echo begun; sleep 1; touch done"
    begun = [
        subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, LOCKED, ".venv.lock", work],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    ended = [each.communicate(timeout=60) for each in begun]

    assert [each.returncode for each in begun] == [0, 0]
    assert sorted(said for said, _ in ended) == ["", "begun\n"]
    assert sorted(told for _, told in ended)[1].startswith("Another make is setting this folder up")


def test_the_exit_code_of_the_work_is_passed_on(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, LOCKED, ".venv.lock", "exit 3"], cwd=tmp_path, check=False, timeout=60
    )

    assert done.returncode == 3
