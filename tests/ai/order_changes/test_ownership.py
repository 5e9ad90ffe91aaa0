"""Which address a message names, and who owns an order."""

import pytest

from cloudmart.ai.order_changes import owns
from cloudmart.orders.models import Order
from cloudmart.values.email import address_in


@pytest.mark.parametrize(
    ("message", "address"),
    [
        ("I am ann@example.org.", "ann@example.org"),
        ("Ann <Ann+shop@Example.ORG>, order ab12cd34", "ann+shop@example.org"),
        ("mail: ann_b@example.org!", "ann_b@example.org"),
        ("ann@example.org, yes, ANN@example.org", "ann@example.org"),
        ("«ann@shop.local»", "ann@shop.local"),
        ("jürgen@bücher.example", "jürgen@bücher.example"),
        ("ann@example.org or bob@example.org", None),
        ("cancel my order", None),
        ("@ann", None),
        ("ann@", None),
        ("a" * 4000, None),
        ("@" * 4000, None),
    ],
)
def test_one_address_in_a_message_is_the_customer_s(message: str, address: str | None) -> None:
    assert address_in(message) == address


@pytest.mark.parametrize(
    ("stored", "theirs"),
    [
        ("ann@example.org", True),
        ("Ann@Example.org ", True),
        ("bob@example.org", False),
        ("ann@example.org.evil", False),
        ("", False),
        (None, False),
    ],
)
def test_an_order_belongs_to_the_address_it_was_placed_with(
    stored: str | None, *, theirs: bool
) -> None:
    assert owns("ann@example.org", Order(id="1", user_email=stored)) is theirs


def test_nobody_owns_an_order_without_an_address() -> None:
    assert not owns("", Order(id="1", user_email=" "))
