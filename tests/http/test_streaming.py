"""JSON arrays sent page by page."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from cloudmart.errors import UnavailableError
from cloudmart.http.concurrency import ConcurrencyLimit, Slot
from cloudmart.http.paging import stream_list
from cloudmart.products.models import Product
from cloudmart.values.page import Page, Pages

page_sizes = st.lists(st.integers(0, 3), max_size=6)


class Shelf:
    """Yields pages of products, and counts how many were read."""

    def __init__(self, sizes: Sequence[int], fails_after: int | None = None) -> None:
        self.products = [Product(id=f"{number}") for number in range(sum(sizes))]
        self.taken = 0
        self._sizes = sizes
        self._fails_after = fails_after

    async def pages(self) -> Pages[Product]:
        """Yield the pages."""
        left = iter(self.products)
        for number, size in enumerate(self._sizes):
            if number == self._fails_after:
                raise UnavailableError("away")
            self.taken += 1
            page = [next(left) for _ in range(size)]
            yield Page(page, last=number == len(self._sizes) - 1)


class Client:
    """Receives an answer, and notes how many pages had been read by then."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.body = b""
        self.taken: list[int] = []
        self.working: list[int] = []
        self.limit = ConcurrencyLimit("requests", 1)
        self.ended = False

    async def send(self, message: Any) -> None:  # noqa: ANN401 - ASGI's
        """Receive a message."""
        self.working.append(self.limit.working)
        if message.get("body") or not message.get("more_body", True):
            self.body += message.get("body", b"")
            self.taken.append(self.shelf.taken)
            self.ended = not message.get("more_body", False)

    async def receive(self) -> Any:  # noqa: ANN401
        """Wait without end: the client stays."""
        return await asyncio.Future()


async def _answered(shelf: Shelf) -> Client:
    client = Client(shelf)
    answer = await stream_list(Product, shelf.pages())
    slot = Slot(client.limit)
    await slot.take()
    scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "state": {"slot": slot}}
    await answer(scope, client.receive, client.send)
    slot.give_back()
    return client


@given(page_sizes)
async def test_the_pages_of_a_list_are_one_json_array(sizes: list[int]) -> None:
    shelf = Shelf(sizes)

    client = await _answered(shelf)

    assert [product["id"] for product in json.loads(client.body)] == [
        product.id for product in shelf.products
    ]
    assert client.ended


async def test_a_page_is_read_only_after_the_previous_one_was_sent() -> None:
    client = await _answered(Shelf([3] * 100))

    assert client.taken[:5] == [1, 2, 3, 4, 5]


async def test_while_a_client_reads_another_request_may_be_worked_on() -> None:
    client = await _answered(Shelf([3] * 5))

    assert set(client.working) == {0}
    assert client.limit.working == 0


async def test_a_list_whose_first_page_fails_is_an_error() -> None:
    with pytest.raises(UnavailableError):
        await stream_list(Product, Shelf([3, 3], fails_after=0).pages())


@given(st.lists(st.integers(0, 3), min_size=2, max_size=6), st.data())
async def test_a_list_that_fails_later_is_left_without_its_end(
    sizes: list[int], data: st.DataObject
) -> None:
    fails_after = data.draw(st.integers(1, len(sizes) - 1))
    before = _broken_off()

    with capture_logs() as logs:
        client = await _answered(Shelf(sizes, fails_after))

    assert not client.ended
    with pytest.raises(json.JSONDecodeError):
        json.loads(client.body)
    assert _broken_off() == before + 1
    assert [line["event"] for line in logs] == ["list_broken_off"]


def _broken_off() -> float:
    return REGISTRY.get_sample_value("cloudmart_lists_broken_off_total") or 0
