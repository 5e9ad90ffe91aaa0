"""Standard streams that are closed, full, or read late."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cloudmart.observability.standard_streams import TOGETHER, stderr_that_never_blocks
from cloudmart.settings import Settings
from tests.support.raw_http import send
from tests.support.serve_process import PATIENCE, environment, serving_process

NO_HTTP = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.fixture
def full_pipe() -> Iterator[tuple[int, int]]:
    """Provide a full pipe: nothing can be written until somebody reads."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_a_log_that_nobody_reads_stops_neither_probes_nor_metrics_nor_the_end(
    full_pipe: tuple[int, int], settings: Settings, tmp_path: Path
) -> None:
    with serving_process(environment(settings), tmp_path, stderr=full_pipe[1]) as it:
        it.wait_for(200, "/ready")
        refused = [send(it.port, NO_HTTP).statuses for _ in range(500)]
        it.wait_for(200, "/livez")
        metrics = httpx2.get(f"http://127.0.0.1:{it.metrics_port}/metrics", timeout=PATIENCE)
        it.stop()
        code = it.process.wait(timeout=PATIENCE)

    assert refused == [[400]] * 500
    assert metrics.status_code == 200
    assert code == 0


def test_a_start_that_fails_ends_though_nobody_reads_why(
    full_pipe: tuple[int, int], settings: Settings, tmp_path: Path
) -> None:
    with serving_process(environment(settings, AUTH=""), tmp_path, stderr=full_pipe[1]) as it:
        code = it.process.wait(timeout=PATIENCE)

    assert code == 78
    assert "AUTH is not set" in it.termination_log.read_text()


def test_malformed_requests_write_a_line_a_second(settings: Settings, tmp_path: Path) -> None:
    with serving_process(environment(settings), tmp_path) as it:
        it.wait_for(200, "/ready")
        began = time.monotonic()
        for _ in range(200):
            send(it.port, NO_HTTP)
        seconds = time.monotonic() - began
        it.stop()
        _, log = it.ended()

    lines = [line for line in log.splitlines() if '"level": "warning"' in line]
    about = [line for line in lines if "request_refused" in line]
    assert 1 <= len(about) <= seconds + 1


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-", "<&-"])
def test_a_closed_stream_is_never_a_socket(closed: str, settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving_process(environment(settings), tmp_path, redirected=f">{out} {closed}") as it:
        it.wait_for(200, "/ready")
        streams = [Path(f"/proc/{it.process.pid}/fd/{each}").readlink() for each in range(3)]
        it.stop()
        code, log = it.ended()

    logged = out.read_text() if "2>&-" in closed else log
    assert not [each for each in streams if str(each).startswith("socket:")]
    assert '"event": "listening"' in logged
    assert code == 0


def test_with_no_output_at_all_it_serves(settings: Settings, tmp_path: Path) -> None:
    with serving_process(environment(settings), tmp_path, redirected="<&- >&- 2>&-") as it:
        it.wait_for(200, "/ready")
        streams = [Path(f"/proc/{it.process.pid}/fd/{each}").readlink() for each in range(3)]
        it.stop()
        code, _ = it.ended()

    assert streams == [Path(os.devnull)] * 3
    assert code == 0


def test_dropped_lines_are_reported_when_somebody_reads_again(full_pipe: tuple[int, int]) -> None:
    reader, writer = full_pipe
    told: list[int] = []

    with os.fdopen(os.dup(writer), "w") as stderr, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        with stderr_that_never_blocks(told.append, most_waiting=100):
            for number in range(10):
                sys.stderr.write(f"line {number} of the log\n")
            assert told == []
            read = b""
            while b"line 3" not in read:
                read += os.read(reader, 65_536)
            while not told:
                time.sleep(0.01)
            sys.stderr.write("and on\n")

        assert os.read(reader, 65_536).endswith(b"and on\n")
    kept = read.count(b"of the log")
    assert 1 <= kept <= 5
    assert sum(told) == 10 - kept


def test_lines_keep_their_order_and_none_is_lost_at_the_end() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stderr, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        with stderr_that_never_blocks(lambda _: None):
            for number in range(1000):
                sys.stderr.write(f"{number}\n")
    with os.fdopen(reader) as read:
        assert read.read().split() == [str(number) for number in range(1000)]


def test_lines_in_quick_succession_are_written_together() -> None:
    # Each write is a packet, and so is each read. The pipe has room for 256 packets.
    reader, writer = os.pipe2(os.O_DIRECT)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1024**2)
    began = time.monotonic()
    with os.fdopen(writer, "w") as stderr, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        with stderr_that_never_blocks(lambda _: None):
            for number in range(200):
                sys.stderr.write(f"{number}\n")
                time.sleep(0.001)
        took = time.monotonic() - began
    packets = list(iter(lambda: os.read(reader, 65_536), b""))
    os.close(reader)

    lines = b"".join(packets).split()
    assert lines == [str(number).encode() for number in range(200)]
    assert len(packets) <= 2 + took / TOGETHER + sum(map(len, packets)) / 4096
