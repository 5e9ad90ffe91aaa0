"""The termination message of a process."""

from pathlib import Path

import pytest

from cloudmart.health.state import Lifecycle
from cloudmart.observability.logging import write_termination_message
from cloudmart.server.listen import exit_code


def test_it_is_written_where_kubernetes_reads_it(tmp_path: Path) -> None:
    log = tmp_path / "termination-log"
    log.write_text("of the container before")

    write_termination_message("3 settings are wrong.\n", log)

    assert log.read_text() == "3 settings are wrong.\n"


def test_elsewhere_no_file_is_made(tmp_path: Path) -> None:
    write_termination_message("3 settings are wrong.\n", tmp_path / "termination-log")

    assert list(tmp_path.iterdir()) == []


def test_it_keeps_to_what_kubernetes_keeps(tmp_path: Path) -> None:
    log = tmp_path / "termination-log"
    log.touch()

    write_termination_message("€" * 2000, log)

    assert log.read_bytes() == "€".encode() * 1364 + b"\n..."


def test_a_log_that_cannot_be_written_hides_no_other_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lifecycle = Lifecycle()
    lifecycle.fail("3 settings are wrong.", 78)

    # A directory in place of a file.
    code = exit_code(lifecycle, tmp_path)

    assert code == 78
    assert capsys.readouterr().err == "3 settings are wrong.\n"
    assert list(tmp_path.iterdir()) == []
