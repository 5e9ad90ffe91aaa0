"""Items of older releases: each old form is counted, and today's forms are not."""

from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import REGISTRY

from cloudmart.orders.models import Order
from cloudmart.products.models import Product
from cloudmart.tickets.models import Ticket
from cloudmart.values.model import Entity

CASES: list[tuple[type[Entity], dict[str, Any], set[str]]] = [
    (Order, {"id": "1", "items": [], "total": Decimal(1), "status": "Pending"}, set()),
    (Order, {"id": "1", "items": [], "totalAmount": Decimal(1)}, {"totalAmount"}),
    (Order, {"id": "1", "items": [], "customerEmail": "a@x.org"}, {"customerEmail"}),
    (
        Order,
        {"id": "1", "productId": "7", "quantity": 1, "status": "pending"},
        {"single-product", "status-in-other-words"},
    ),
    (Order, {"id": "1", "items": [], "total": "9.50"}, {"total-as-text"}),
    (Order, {"id": "1", "items": [], "status": "cancelled"}, {"status-in-other-words"}),
    (Ticket, {"id": "1", "status": "open", "conversation": []}, set()),
    (Ticket, {"id": "1", "conversation": "[]"}, {"conversation-as-text"}),
    (Ticket, {"id": "1", "sentimentScores": "{}"}, {"sentimentScores-as-text"}),
    (Ticket, {"id": "1", "status": "resolved"}, {"status-in-other-words"}),
    (Product, {"id": "1", "price": Decimal(1)}, set()),
    (Product, {"id": "1", "price": "1.50"}, {"price-as-text"}),
]


def _counted(kind: type[Entity]) -> dict[str, float]:
    return {
        sample.labels["shape"]: sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == "cloudmart_old_shape_items_total"
        and sample.labels["kind"] == kind.__name__
    }


@pytest.mark.parametrize(("kind", "item", "shapes"), CASES)
def test_an_item_is_counted_by_each_old_form_in_it(
    kind: type[Entity], item: dict[str, Any], shapes: set[str]
) -> None:
    before = _counted(kind)

    kind.read(item)

    more = {shape: value - before.get(shape, 0) for shape, value in _counted(kind).items()}
    assert {shape: value for shape, value in more.items() if value} == dict.fromkeys(shapes, 1)
