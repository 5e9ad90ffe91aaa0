"""Items that cannot be read whole: counted, named now and then, and forgotten once corrected."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from cloudmart.products.models import Product
from cloudmart.products.snapshot import ProductEntry
from cloudmart.values.unreadable import LATELY, MOST_TOLD, UnreadableItems
from tests.support.metric_samples import sample


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def items(clock: Clock) -> UnreadableItems:
    return UnreadableItems(clock)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[Any]]]:
    with capture_logs() as logs:
        yield lambda: [each for each in logs if each["event"] == "item_unreadable"]


def test_an_item_has_a_line_now_and_then_and_counts_each_time(
    items: UnreadableItems, clock: Clock, lines: Callable[[], list[Any]]
) -> None:
    counted = sample("unreadable_items_total", kind="Product")

    for clock.now in range(0, 600, 30):
        items.add("Product", "lamp-7", ["price"])

    assert lines() == 2 * [
        {
            "event": "item_unreadable",
            "log_level": "warning",
            "kind": "Product",
            "attributes": ["price"],
            "product_id": "lamp-7",
        }
    ]
    assert sample("unreadable_items_total", kind="Product") == counted + 20
    assert items.number("Product") == 1


def test_an_item_that_was_corrected_is_forgotten(items: UnreadableItems, clock: Clock) -> None:
    items.add("Order", "k7m2p9q4r6t8v3w5", ["total"])

    clock.now = LATELY + 1

    assert items.number("Order") == 0


def test_however_many_items_are_bad_lines_and_memory_are_bounded(
    items: UnreadableItems, lines: Callable[[], list[Any]]
) -> None:
    for number in range(1000):
        items.add("Product", number, ["price"])

    assert len(lines()) == items.number("Product") == MOST_TOLD


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("Order", "ann@example.org"),
        ("Ticket", "my lamp is broken"),
        ("Product", "x" * 65),
        ("Product", None),
        ("Conversation", "conv_6hNtq2VbWs8yPxKd4RmZf7LcJg9aTe3u"),
    ],
)
def test_ids_of_another_form_and_ids_of_chats_are_not_named(
    kind: str, key: str | None, items: UnreadableItems, lines: Callable[[], list[Any]]
) -> None:
    items.add(kind, key, ["status"])

    (line,) = lines()
    assert set(line) == {"event", "log_level", "kind", "attributes"}


def test_the_log_names_attributes_and_never_their_values(
    lines: Callable[[], list[Any]],
) -> None:
    class Vase(Product):
        """A kind that no other test reads."""

    bad = {"id": "7", "name": "Vase", "price": "ann@example.org", "createdAt": ["secret"]}

    for _ in range(3):
        Vase.read(bad)

    (line,) = lines()
    assert (line["kind"], line["attributes"]) == ("Vase", ["createdAt", "price"])
    assert "ann" not in str(line)
    assert "secret" not in str(line)
    assert sample("unreadable_items_lately", kind="Vase") == 1
    assert sample("unreadable_items_total", kind="Vase") == 3


def test_a_bad_product_is_counted_whenever_the_table_is_read_though_it_has_not_changed() -> None:
    bad = {"id": "damaged", "name": "Vase", "price": "twelve"}
    counted = sample("unreadable_items_total", kind="Product")

    entry = ProductEntry.read(bad)
    again = ProductEntry.read(dict(bad), entry)

    assert again is entry
    assert again.faults == ["price"]
    assert sample("unreadable_items_total", kind="Product") == counted + 2
