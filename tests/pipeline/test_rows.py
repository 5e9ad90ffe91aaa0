"""Orders as rows: of every form in the table, and nothing is left out silently."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from cloudmart.orders.models import Order, OrderLine
from cloudmart.pipeline.carry.bigquery import COLUMNS
from cloudmart.pipeline.rows import OrderEvent, Row
from tests.support.generated_items import items_with

ORDER = Order.place(
    [OrderLine(product_id="1", name="Bücherlampe", quantity=2, price=Decimal("19.99"))],
    "ann@example.org",
)


def test_a_row_has_the_columns_of_the_table() -> None:
    row = Row.of(ORDER, OrderEvent.INSERT)

    assert list(row.columns) == list(COLUMNS)


def test_a_row_says_what_the_order_says() -> None:
    row = Row.of(ORDER, OrderEvent.INSERT)

    sent = ORDER.model_dump(mode="json")
    assert row.columns == {
        "id": ORDER.id,
        "userEmail": "ann@example.org",
        "status": "Pending",
        "createdAt": sent["createdAt"],
        "updatedAt": sent["updatedAt"],
        "eventType": "INSERT",
        "totalAmount": 39.98,
        "items": '[{"productId":"1","name":"Bücherlampe","quantity":2,"price":19.99}]',
    }


@pytest.mark.parametrize(
    ("item", "total"),
    [
        ({"total": Decimal("39.98")}, 39.98),
        ({"total": "39.98"}, 39.98),
        ({"totalAmount": Decimal("39.98")}, 39.98),
        ({"total": Decimal("39.98"), "totalAmount": Decimal(1)}, 39.98),
        ({"total": "", "totalAmount": "39.98"}, 39.98),
        ({"items": [{"productId": "1", "quantity": 2, "price": "19.99"}]}, 39.98),
        ({"productId": "1", "quantity": 2}, 0),
    ],
)
def test_the_total_is_found_in_every_shape(item: dict[str, Any], total: float) -> None:
    row = Row.of_item({"id": "1", **item}, OrderEvent.INSERT)

    assert row.total_amount == total


def test_the_short_form_of_old_orders_is_a_row() -> None:
    item = {
        "id": "0a1b2c3d",
        "productId": "7",
        "quantity": Decimal(3),
        "status": "cancelled",
        "createdAt": "2025-09-01T10:00:00.000Z",
        "customerEmail": "Bob@Example.org",
    }

    row = Row.of_item(item, OrderEvent.MODIFY)

    assert json.loads(row.items) == [{"productId": "7", "name": "", "quantity": 3, "price": 0.0}]
    assert row.columns | {"items": ...} == {
        "id": "0a1b2c3d",
        "userEmail": "Bob@Example.org",
        "status": "Canceled",
        "createdAt": "2025-09-01T10:00:00.000Z",
        "updatedAt": None,
        "eventType": "MODIFY",
        "totalAmount": 0.0,
        "items": ...,
    }


def test_what_cannot_be_read_is_named_without_its_value() -> None:
    with pytest.raises(ValidationError) as refused:
        Row.of_item({"id": "1", "total": "about forty, says Ann"}, OrderEvent.INSERT)

    assert "total" in str(refused.value)
    assert "Ann" not in str(refused.value)


@given(items_with("userEmail", "items", "total", "totalAmount", "status", "createdAt", "productId"))
def test_an_item_is_a_row_of_the_columns_types_or_refused(item: dict[str, Any]) -> None:
    try:
        columns = Row.of_item(item, OrderEvent.MODIFY).columns
    except ValidationError:
        return

    assert isinstance(columns["totalAmount"], float)
    assert isinstance(json.loads(columns["items"]), list)
    assert {type(columns[name]) for name in ("id", "status", "eventType", "items")} == {str}
