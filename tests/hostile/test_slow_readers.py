"""Clients that do not read their answers, or read too slowly."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
import pytest

from cloudmart.dynamodb.codec import encode_item
from cloudmart.server.protocol import BoundedProtocol
from cloudmart.server.slow_readers import LEAST_READ, MOST_UNREAD, UnreadAnswers
from cloudmart.settings import LimitSettings, Settings
from tests.support.live_server import served
from tests.support.raw_http import PATIENCE, is_cut, until

LIST = b"GET /api/tickets HTTP/1.1\r\nHost: x\r\n\r\n"
ASSET = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
SLOTS = 3
SIZE = 300_000
"""The approximate size of the asset."""


class Hasty(BoundedProtocol):
    """The server's protocol with shorter time-outs for clients that do not read."""

    read_within = 2.0
    unread = UnreadAnswers(most=MOST_UNREAD)


class Patient(Hasty):
    """The server's protocol with time-outs that are longer than a test."""

    read_within = 60.0


class Full(Patient):
    """The server's protocol with room for few answers of all clients together."""

    unread = UnreadAnswers(most=1000, held=20 * SIZE)


@pytest.fixture(scope="module")
def settings(shared_settings: Settings, dynamodb: Any) -> Settings:  # noqa: ANN401 - boto3's
    """Provide the settings of a shop that works on few requests at once and has a long list."""
    item = encode_item({"message": "x" * 4000, "conversation": [], "status": "open"})
    table = shared_settings.dynamodb.tickets_table
    for start in range(0, 2000, 25):
        items = [item | encode_item({"id": f"ticket-{start + number}"}) for number in range(25)]
        writes = [{"PutRequest": {"Item": each}} for each in items]
        dynamodb.batch_write_item(RequestItems={table: writes})
    limits = LimitSettings(concurrency=SLOTS, chats=1)
    return shared_settings.model_copy(update={"limits": limits})


@pytest.fixture(scope="module")
def home(settings: Settings) -> Iterator[str]:
    """Provide the address of the shop."""
    with served(settings, Hasty) as url:
        yield url


@pytest.fixture(scope="module")
def patient(settings: Settings) -> Iterator[str]:
    """Provide the address of the shop behind the protocol with long time-outs."""
    with served(settings, Patient) as url:
        yield url


@contextmanager
def asked(home: str, request: bytes, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    """Send a request from an address of loopback, with little room for the answer."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE)
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", int(home.rpartition(":")[2])))
        connection.sendall(request)
        yield connection


def rest(connection: socket.socket) -> bytes:
    """Return everything that still arrives until the other side closes."""
    received = bytearray()
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return bytes(received)


@pytest.mark.parametrize("request_", [LIST, ASSET])
def test_clients_that_do_not_read_keep_nobody_waiting(request_: bytes, patient: str) -> None:
    with ExitStack() as stack, httpx2.Client(base_url=patient, timeout=PATIENCE) as client:
        for _ in range(SLOTS * 3):
            # Each answer begins before the next request is sent.
            stack.enter_context(asked(patient, request_, source="127.0.0.2")).recv(100)

        answers = [client.get("/api/products/1") for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200] * 3


@pytest.mark.parametrize("request_", [LIST, ASSET])
def test_a_client_that_reads_nothing_is_cut_off(request_: bytes, home: str) -> None:
    with asked(home, request_) as connection:
        connection.recv(100)
        until(lambda: is_cut(connection))

        assert len(rest(connection)) < 400_000


def test_a_client_that_reads_fast_enough_gets_all_of_its_answer(home: str) -> None:
    with asked(home, LIST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) as connection:
        received, began = bytearray(connection.recv(65_536)), time.monotonic()
        # Ten times the required rate, because the machine may be busy and this thread late.
        while time.monotonic() < began + Hasty.read_within * 2:
            received += connection.recv(LEAST_READ)
            time.sleep(0.1)
        received += rest(connection)

    assert received.endswith(b"]\r\n0\r\n\r\n")


def test_a_client_that_reads_only_now_and_then_is_cut_off_too(home: str) -> None:
    with asked(home, LIST) as connection:
        give_up = time.monotonic() + PATIENCE
        try:
            while connection.recv(1000) and time.monotonic() < give_up:
                time.sleep(0.2)
        except ConnectionResetError:
            pass

        assert time.monotonic() < give_up


def test_one_client_leaves_only_so_many_answers_unread(patient: str) -> None:
    with ExitStack() as stack:
        unread = [stack.enter_context(asked(patient, ASSET)) for _ in range(MOST_UNREAD + 4)]
        theirs = stack.enter_context(asked(patient, ASSET, source="127.0.0.2"))
        until(lambda: sum(map(is_cut, unread)) >= 4)
        # Any other connection that must be closed is closed soon.
        time.sleep(1)

        assert sum(map(is_cut, unread)) == 4
        assert not is_cut(theirs)


def test_a_proxy_that_is_not_trusted_may_leave_more_unread(patient: str) -> None:
    forwarded = ASSET.replace(b"Host: x", b"Host: x\r\nX-Forwarded-For: 203.0.113.9")
    with ExitStack() as stack:
        many = range(MOST_UNREAD + 4)
        unread = [stack.enter_context(asked(patient, forwarded, "127.0.0.3")) for _ in many]
        time.sleep(2)

        assert not any(map(is_cut, unread))


def test_waiting_answers_are_limited_and_a_client_that_reads_gets_all(settings: Settings) -> None:
    last = LIST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with served(settings, Full) as home, ExitStack() as stack:
        reading = stack.enter_context(asked(home, last, "127.0.0.50"))
        begun = reading.recv(65_536)
        reader = stack.enter_context(ThreadPoolExecutor(1)).submit(rest, reading)
        unread = [stack.enter_context(asked(home, ASSET, f"127.0.0.{n}")) for n in range(2, 42)]

        assert begun
        assert reader.result().endswith(b"]\r\n0\r\n\r\n")
        assert sum(map(is_cut, unread)) >= 20
