"""The pod's memory: whatever 50 connections send, other clients are answered."""

import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cloudmart.http.body_limits import LARGEST_BODY, MAX_BODY
from cloudmart.settings import Settings
from tests.support.serve_process import Serving, environment, serving_process
from tests.support.shop_tables import put

pytestmark = [
    pytest.mark.memory,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc"),
]

POD = 512 * 2**20
MOST = 400 * 2**20
CONNECTIONS = 50
ATTACKER = "127.0.0.2"
STAY = 5.0
KUBELET = 3.0
"""The seconds that the probes in k8s/base wait."""

PROBE = """
import http.client, sys, time
port, longest, probe = int(sys.argv[1]), 0.0, None
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
print("probing", flush=True)
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    began = time.monotonic()
    connection.request("GET", "/livez")
    assert connection.getresponse().read()
    longest = max(longest, time.monotonic() - began)
    time.sleep(0.02)
print(longest)
"""
"""Calls the liveness probe from a separate process that is never busy."""


@pytest.fixture(scope="module")
def pod(
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Serving]:
    """Provide a process with a pod's memory, no limits per minute, and a list of 16 MB."""
    table = shared_settings.dynamodb.tickets_table
    # A few large items, because the embedded store is slow for each item of a page.
    put(dynamodb, table, *({"id": f"ticket-{n}", "message": "x" * 300_000} for n in range(55)))
    kinds = ("READ", "WRITE", "CHAT", "EMAIL")
    environ = environment(shared_settings, **{f"RATE_LIMIT_{kind}": "0" for kind in kinds})
    with serving_process(environ, tmp_path_factory.mktemp("pod")) as serving:
        resource.prlimit(serving.process.pid, resource.RLIMIT_DATA, (POD, POD))
        serving.wait_for(200, "/ready")
        yield serving


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """Provide a connection of the attacker."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.bind((ATTACKER, 0))
        connection.settimeout(5)
        connection.connect(("127.0.0.1", port))
        yield connection


def send(port: int, *parts: bytes, stay: float, reads: bool = False) -> None:
    """Send as much as the server accepts, and stay for some seconds, with or without reading."""
    end = time.monotonic() + stay
    with connected(port) as connection, ThreadPoolExecutor(1) as reader:
        if reads:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024**2)
            reader.submit(read, connection, end)
        with suppress(OSError):
            for part in parts:
                connection.sendall(part)
        time.sleep(max(0, end - time.monotonic()))


def read(connection: socket.socket, end: float) -> None:
    """Read everything that arrives until a given time."""
    with suppress(OSError):
        while time.monotonic() < end and connection.recv(1024**2):
            pass


def head(method: str, path: str, *lines: str) -> bytes:
    """Return the first line and the headers of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def body(path: str, content: bytes, *, length: int | None = None) -> list[bytes]:
    """Return a POST with a body, which may be shorter than its length."""
    sized = f"Content-Length: {length or len(content)}"
    return [head("POST", path, "Content-Type: application/json", sized), content]


def _filled(begin: str, unit: str, end: str, size: int) -> bytes:
    return (begin + unit * ((size - len(begin + end)) // len(unit)) + end).encode()


END, TICKETS = "/api/ai/analyze-sentiment", "/api/tickets"
CHAT = _filled('{"thread": {"x": [', "[[]],", '0], "messages": []}}', LARGEST_BODY)
MESSAGES = _filled('{"thread": {"messages": [', "{},", "{}]}}", LARGEST_BODY)
TEXT = _filled(
    '{"thread": {"messages": [{"sender": "user", "text": "😀', "[{,", '"}]}}', LARGEST_BODY
)
TICKET = _filled('{"x": [', "[[]],", "0]}", MAX_BODY)
CHUNKED = "Transfer-Encoding: chunked"

ATTACKS: dict[str, Callable[[int], list[bytes]]] = {
    "trailers": lambda _: [head("GET", "/livez", CHUNKED), b"0\r\n", b"X-A: b\r\n" * 3_000_000],
    "pipelined": lambda _: [head("GET", "/livez") * 11_000],
    "chats": lambda _: body(END, CHAT),
    "chats of many messages": lambda _: body(END, MESSAGES),
    "chats of one text": lambda _: body(END, TEXT),
    "tickets": lambda _: body(TICKETS, TICKET),
    "all kinds": lambda number: body(*((END, CHAT), (TICKETS, TICKET))[number % 2]),
    "unfinished chats": lambda _: body(END, CHAT[:-1], length=len(CHAT)),
    "unfinished bodies of probes": lambda _: [
        head("GET", "/health", f"Content-Length: {MAX_BODY}"),
        b" " * (MAX_BODY - 1),
    ],
    "lists": lambda _: [head("GET", TICKETS)],
    "pipelined lists": lambda _: [head("GET", TICKETS) * 2000],
    "pages of lists": lambda _: [head("GET", f"{TICKETS}?limit=50") * 2000],
    "lists of a status": lambda _: [head("GET", f"{TICKETS}/status?status=open") * 2000],
    "large items": lambda _: [head("GET", f"{TICKETS}/ticket-1") * 2000],
    "assets": lambda _: [head("GET", "/docs/assets/swagger-ui-bundle.js")],
}

READ = {"pipelined lists that are read": "pipelined lists", "items that are read": "large items"}


@pytest.mark.parametrize("attack", [*ATTACKS, *READ])
def test_a_pod_lives_and_others_are_answered(attack: str, pod: Serving) -> None:
    with (
        ThreadPoolExecutor(CONNECTIONS) as attackers,
        httpx2.Client(base_url=pod.url, timeout=120) as customer,
        probing(pod.port) as longest,
    ):
        for number in range(CONNECTIONS):
            parts = ATTACKS[READ.get(attack, attack)](number)
            attackers.submit(send, pod.port, *parts, stay=STAY, reads=attack in READ)
        time.sleep(0.5)
        order = place_order(customer)

    assert pod.process.poll() is None
    assert order.status_code == 201
    assert longest[0] < KUBELET
    assert _most_memory(pod) < MOST


def place_order(customer: httpx2.Client) -> httpx2.Response:
    """Place an order as soon as the store answers.

    The embedded store answers one page at a time, and all connections read from it.
    """
    deadline = time.monotonic() + 60
    while True:
        answer = customer.post("/api/orders", json={"productId": "1", "quantity": 1})
        if answer.status_code == 201 or time.monotonic() > deadline:
            return answer


@contextmanager
def probing(port: int) -> Iterator[list[float]]:
    """Call the liveness probe again and again, and return the longest wait."""
    longest: list[float] = []
    program = [sys.executable, "-c", PROBE, str(port), str(STAY + 1)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as probe:  # noqa: S603 - ours
        assert probe.stdout is not None
        probe.stdout.readline()
        yield longest
        longest.append(float(probe.stdout.readline()))


def _most_memory(serving: Serving) -> int:
    """Return the peak memory of a process in bytes."""
    status = Path(f"/proc/{serving.process.pid}/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def test_heads_that_never_end_take_bounded_memory(pod: Serving) -> None:
    begun = head("GET", "/livez", *(f"X-{n}: {'a' * 500}" for n in range(120)))[:-2]
    with ExitStack() as stack, httpx2.Client(base_url=pod.url, timeout=30) as customer:
        for _ in range(800):
            attacker = stack.enter_context(socket.create_connection(("127.0.0.1", pod.port)))
            with suppress(OSError):
                attacker.sendall(begun)

        assert place_order(customer).status_code == 201
    assert _most_memory(pod) < MOST
