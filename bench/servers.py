"""The servers under test, each in its own process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

HERE = Path(__file__).parents[1]
_PATIENCE = 60.0
_LOWER = 10


@dataclass(frozen=True, slots=True)
class Program:
    """A server to run: a Python module in a checkout. `PORT` sets its port."""

    module: Sequence[str]
    checkout: Path = HERE


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    url: str
    pid: int


def cloudmart(checkout: Path) -> Program:
    """Return `cloudmart serve` of a checkout, with the settings of production."""
    return Program(["cloudmart", "serve"], checkout)


BARE_FASTAPI = Program(["bench.bare_fastapi"])
BARE_SIGNED = Program(["bench.bare_signed"])


@contextmanager
def serving(programs: Mapping[str, Program]) -> Iterator[dict[str, Server]]:
    """Run servers while the context lasts, and return them when all of them answer."""
    with ExitStack() as stack:
        ports = {name: _free_port() for name in programs}
        processes = {
            name: stack.enter_context(_process(program, ports[name]))
            for name, program in programs.items()
        }
        for name, (process, log) in processes.items():
            _wait_until_it_answers(process, ports[name], log)
        yield {
            name: Server(f"http://127.0.0.1:{ports[name]}", process.pid)
            for name, (process, _) in processes.items()
        }


def processors() -> tuple[set[int], set[int]]:
    """Return the processor of the service, and those of the other processes.

    With only one processor, both use it.
    """
    first, *others = sorted(os.sched_getaffinity(0))
    return {first}, set(others) or {first}


def lower_children() -> None:
    """Lower the priority of what this process has started: it stands for other machines.

    Otherwise the client that measures would wait for its CPU, and that would count as the service's
    time. Linux keeps a priority for each thread.
    """
    for each in Path("/proc/self/task").glob("*/children"):
        for child in each.read_text().split():
            for thread in Path(f"/proc/{child}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(thread.name), _LOWER)


@contextmanager
def started_on(these: set[int]) -> Iterator[None]:
    """Let the processes that are started in the context run on these processors only."""
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, these)
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)


@contextmanager
def _process(program: Program, port: int) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    ports = {"PORT": str(port), "METRICS_PORT": str(_free_port())}
    with TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            [sys.executable, "-m", *program.module],
            cwd=program.checkout,
            env=os.environ | ports,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process, log
        finally:
            process.terminate()
            process.wait()


def _wait_until_it_answers(process: subprocess.Popen[str], port: int, log: IO[str]) -> None:
    give_up = time.monotonic() + _PATIENCE
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > give_up:
            log.seek(0)
            raise RuntimeError(f"{process.args!r} does not answer:\n{log.read()}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/api/products/1")
        return connection.getresponse().status == 200  # noqa: PLR2004 - HTTP's
    except OSError:
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
