"""Bytes on a connection, as no client library would send them."""

import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Raw:
    """What came back before the other side closed, or fell silent."""

    data: bytes

    @property
    def statuses(self) -> list[int]:
        """Return the status of each answer."""
        heads = self.data.split(b"HTTP/1.1 ")[1:]
        return [int(head[:3]) for head in heads]


def send(port: int, *parts: bytes, patience: float = 30) -> Raw:
    """Send some bytes, and return all that comes until the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass
        return Raw(_all(connection))


def _all(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return received
