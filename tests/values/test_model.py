"""Stored items are read as well as possible, whatever the table holds."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from cloudmart.ai.confirmation_codes import OrderAction
from cloudmart.ai.conversations import Conversation
from cloudmart.ai.ports import Role
from cloudmart.http.paging import encode_list
from cloudmart.orders.models import Order
from cloudmart.products.models import Product
from cloudmart.tickets.models import Ticket
from cloudmart.values.model import Entity
from tests.support.generated_items import items_with, numbers, shaped, texts

products = items_with("name", "description", "price", "image", "createdAt", "updatedAt", "name_")
lines = st.lists(shaped(productId=texts, name=texts, quantity=numbers, price=numbers), max_size=3)
orders = items_with(
    *("userEmail", "customerEmail", "total", "totalAmount", "status", "createdAt"),
    *("updatedAt", "productId", "quantity", "user_email", "created_at"),
    items=lines,
)
tickets = items_with(
    *("status", "overallSentiment", "subject", "message", "userEmail", "threadId", "threadName"),
    *("truncated", "createdAt", "updatedAt"),
    conversation=st.lists(shaped(sender=texts, text=texts), max_size=3),
    sentimentScores=shaped(positive=numbers, neutral=numbers, negative=numbers),
)
conversations = items_with(
    *("email", "tokens", "failedLookups", "createdAt", "expiresAt", "lockUntil"),
    history=st.lists(shaped(role=st.sampled_from(Role), text=texts), max_size=3),
    pending=shaped(
        action=st.sampled_from(OrderAction),
        orderId=texts,
        version=texts,
        codeHash=texts,
        tries=numbers,
        expiresAt=numbers,
    ),
)


def _sent(kind: type[Entity], item: Mapping[str, Any]) -> dict[str, Any]:
    (answer,) = json.loads(encode_list(kind, [kind.read(item)]))
    assert isinstance(answer, dict)
    return answer


@given(products)
def test_any_item_is_a_product_that_the_page_can_show(item: dict[str, Any]) -> None:
    product = _sent(Product, item)

    assert isinstance(product["price"], float)
    assert {type(product[name]) for name in ("id", "name", "description", "image")} == {str}


@given(orders)
def test_any_item_is_an_order_that_the_page_can_show(item: dict[str, Any]) -> None:
    order = _sent(Order, item)

    assert isinstance(order["total"], float)
    assert order["status"] in {"Pending", "Processing", "Shipped", "Delivered", "Canceled"}
    for line in order["items"]:
        assert isinstance(line["price"], float)
        assert isinstance(line["quantity"], int)
        assert {type(line[name]) for name in ("productId", "name")} == {str}


@given(tickets)
def test_any_item_is_a_ticket_that_the_page_can_show(item: dict[str, Any]) -> None:
    ticket = _sent(Ticket, item)

    assert ticket["status"] in {"open", "in_progress", "closed"}
    for message in ticket["conversation"]:
        assert {type(message[name]) for name in ("sender", "text")} == {str}


@given(conversations)
def test_any_item_is_a_conversation_that_can_continue(item: dict[str, Any]) -> None:
    conversation = Conversation.read(item)

    assert conversation.tokens >= 0
    assert conversation.failed_lookups >= 0
    for message in conversation.messages:
        assert message.text.encode().decode() == message.text


@pytest.mark.parametrize(
    "items", [{"two lamps", "a kettle"}, {Decimal("1e100")}, b"lamp", Decimal("1e125")]
)
def test_lines_that_are_not_a_list_are_ignored(items: object) -> None:
    order = Order.read({"id": "1", "items": items, "total": Decimal("39.98")})

    assert (order.items, order.total) == ([], Decimal("39.98"))


def test_parts_that_lack_what_they_need_are_left_out_and_no_others() -> None:
    conversation = Conversation.read(
        {
            "id": "conv_1",
            "history": [
                {"role": "user", "text": "Hello"},
                {},
                {"role": "user"},
                {"role": "assistant", "text": "Good day"},
            ],
            "pending": {"action": "cancel", "orderId": "1", "version": "1", "tries": 0},
        }
    )

    assert [spoken.text for spoken in conversation.history] == ["Hello", "Good day"]
    assert conversation.pending is None


def test_what_cannot_be_read_is_counted_and_the_rest_is_shown() -> None:
    before = _unreadable("Order")

    order = Order.read(
        {
            "id": "1",
            "userEmail": "ann@example.org",
            "status": "Lost",
            "items": [{"productId": "1", "quantity": 1, "price": "free"}, "two lamps"],
            "total": "39.98",
        }
    )

    assert order.model_dump(mode="json") == {
        "id": "1",
        "userEmail": "ann@example.org",
        "items": [{"productId": "1", "name": "", "quantity": 1, "price": 0.0}],
        "total": 39.98,
        "status": "Pending",
        "createdAt": None,
        "updatedAt": None,
        "statusHistory": [],
    }
    assert _unreadable("Order") == before + 1


def test_a_null_counts_as_a_missing_attribute() -> None:
    before = _unreadable("Product")

    product = Product.read({"id": "1", "name": "Lamp", "description": None, "image": None})

    assert (product.description, product.image) == ("", "")
    assert _unreadable("Product") == before


def test_a_number_stands_for_a_text() -> None:
    order = Order.read({"id": "1", "productId": 7, "quantity": 2})

    assert order.items[0].product_id == "7"


def _unreadable(kind: str) -> float:
    return REGISTRY.get_sample_value("cloudmart_unreadable_items_total", {"kind": kind}) or 0
