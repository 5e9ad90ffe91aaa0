"""Sends bytes on a connection that no client library would send."""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PATIENCE = 60.0
"""Seconds to wait for something that an idle machine does at once."""

_ESTABLISHED = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, as far as it arrived."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON is anything
        """Return the JSON of the body."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes that arrived until the other side closed or stopped sending."""

    data: bytes

    @property
    def statuses(self) -> list[int]:
        """Return the status of each answer."""
        heads = self.data.split(b"HTTP/1.1 ")[1:]
        return [int(head[:3]) for head in heads]

    @property
    def answers(self) -> list[Answer]:
        """Return the answers, without interim ones. Each must say its length."""
        found = []
        rest = self.data
        while b"\r\n\r\n" in rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            status = int(first.split(" ")[1])
            headers = dict(line.lower().split(": ", 1) for line in lines)
            length = int(headers.get("content-length", 0))
            if status >= 200:
                found.append(Answer(status, headers, rest[:length]))
            rest = rest[length:]
        return found


def send(
    port: int,
    *parts: bytes,
    patience: float = PATIENCE,
    pause: float = 0,
    half_close: bool = False,
    host: str = "127.0.0.1",
) -> Raw:
    """Send some bytes, and return everything that arrives until the connection is closed.

    Args:
        port: The server's port.
        parts: The bytes. With a pause, each part is a separate segment.
        patience: Seconds to wait for bytes before it returns what has arrived.
        pause: Seconds between two parts.
        half_close: Whether to close the sending side after the last part.
        host: The server's host.
    """
    with socket.create_connection((host, port), timeout=patience) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for number, part in enumerate(parts):
                time.sleep(pause if number else 0)
                connection.sendall(part)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return Raw(_all(connection))


def until(happened: Callable[[], bool]) -> None:
    """Wait until something has happened, or raise TimeoutError."""
    give_up = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > give_up:
            raise TimeoutError
        time.sleep(0.01)


def is_cut(connection: socket.socket) -> bool:
    """Return whether the other side has reset the connection, even with unread bytes."""
    state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0]
    return state != _ESTABLISHED


def _all(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return received
