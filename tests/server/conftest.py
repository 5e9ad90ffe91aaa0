"""A server that says what it made of each request."""

from collections.abc import Iterator

import pytest

from cloudmart.server.protocol import BoundedProtocol
from tests.support.echo_app import Echo, echoing


class Impatient(BoundedProtocol):
    """The server's protocol with less patience, for tests that outlast it."""

    head_within = 0.5
    read_within = 0.5
    linger = 0.5
    half_closed = 0.5


@pytest.fixture(scope="module")
def echo() -> Echo:
    """Give the application."""
    return Echo()


@pytest.fixture(scope="module")
def port(echo: Echo) -> Iterator[int]:
    """Give the port of a server of it."""
    with echoing(echo) as port:
        yield port


@pytest.fixture(scope="module")
def impatient(echo: Echo) -> Iterator[int]:
    """Give the port of an impatient one."""
    with echoing(echo, Impatient) as port:
        yield port
