"""How long an answer may take."""

import time
from collections.abc import Iterator

import pytest

from cloudmart.verify.shop_client import ShopClient
from cloudmart.verify.step import StepFailedError
from tests.support.loopback import Reply, loopback


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
