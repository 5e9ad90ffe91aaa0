"""A shop that is attacked, and that must work afterwards."""

from collections.abc import Iterator

import httpx2
import pytest

from cloudmart.server.protocol import BoundedProtocol
from cloudmart.settings import LimitSettings, Settings
from tests.support.live_server import served


@pytest.fixture(scope="module")
def hostile_settings(shared_settings: Settings) -> Settings:
    """Provide the settings of a shop that trusts a proxy on loopback."""
    limits = LimitSettings(email=3, trusted_proxies=("127.0.0.1",))
    return shared_settings.model_copy(update={"limits": limits})


@pytest.fixture(scope="module")
def protocol() -> type[BoundedProtocol]:
    """Provide the server's protocol."""
    return BoundedProtocol


@pytest.fixture(scope="module")
def home(hostile_settings: Settings, protocol: type[BoundedProtocol]) -> Iterator[str]:
    """Provide the address of the shop. At the end it must work as well as before."""
    with served(hostile_settings, protocol) as url:
        before = _state(url)
        yield url
        assert _state(url) == before


@pytest.fixture(scope="module")
def port(home: str) -> int:
    """Provide its port."""
    return int(home.rpartition(":")[2])


@pytest.fixture
def client(home: str) -> Iterator[httpx2.Client]:
    """Provide a client of the shop."""
    with httpx2.Client(base_url=home, timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def _well_afterwards(home: str) -> Iterator[None]:
    yield
    with httpx2.Client(base_url=home, timeout=60) as another:
        assert another.get("/health").json()["status"] == "pass"
        assert another.get("/api/products").status_code == 200


def _state(url: str) -> object:
    with httpx2.Client(base_url=url, timeout=60) as client:
        orders, tickets = client.get("/api/orders").json(), client.get("/api/tickets").json()
        return client.get("/api/products").json(), len(orders), len(tickets)
