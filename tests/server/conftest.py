"""A server that answers with what it read of each request."""

from collections.abc import Iterator

import pytest

from cloudmart.server.protocol import BoundedProtocol
from tests.support.echo_app import Echo, echoing


class Impatient(BoundedProtocol):
    """The server's protocol with shorter time-outs, for tests that wait for them."""

    head_within = 0.5
    read_within = 0.5
    linger = 0.5
    half_closed = 0.5


@pytest.fixture(scope="module")
def echo() -> Echo:
    """Provide the application."""
    return Echo()


@pytest.fixture(scope="module")
def port(echo: Echo) -> Iterator[int]:
    """Provide the port of a server with the application."""
    with echoing(echo) as port:
        yield port


@pytest.fixture(scope="module")
def impatient(echo: Echo) -> Iterator[int]:
    """Provide the port of a server with shorter time-outs."""
    with echoing(echo, Impatient) as port:
        yield port
