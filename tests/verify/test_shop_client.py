"""How long an answer may take, and over which proxy a request goes."""

import time
from collections.abc import Iterator

import pytest

from cloudmart.verify.shop_client import ShopClient
from cloudmart.verify.step import StepFailedError
from tests.support.scripted_server import Reply, loopback
from tests.support.serve_process import free_port


def late() -> Iterator[bytes]:
    """Answer after a while."""
    time.sleep(1)
    yield b"{}"


def test_what_may_take_longer_is_waited_for() -> None:
    with loopback() as server:
        server.answer = lambda _: Reply(200, {}, late())
        shop = ShopClient(server.url, 0.2)
        try:
            with shop.waiting(30):
                answer = shop.ask("POST", "/")

            assert answer.body == b"{}"
            with pytest.raises(StepFailedError, match="no whole answer came in time"):
                shop.ask("POST", "/")
        finally:
            shop.close()


def test_a_missing_proxy_is_reported_as_a_fault_of_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "")
    shop = ShopClient("http://shop.example.com")

    with pytest.raises(StepFailedError, match="asked through the proxy that the environment names"):
        shop.get("/api/health")
    shop.close()
