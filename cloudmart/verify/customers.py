"""What a customer does: look around, and be refused what is wrong."""

from typing import Any
from urllib.parse import urlencode

from cloudmart.verify.connection import REACHED
from cloudmart.verify.context import Members, VerifyContext, VerifyStep, path_of
from cloudmart.verify.response_schema import fault_of_order, fault_of_product
from cloudmart.verify.shop_client import ShopAnswer
from cloudmart.verify.step import StepSkippedError

_UNKNOWN = "verify0unknown0x"
"""An id that nothing has: it holds digits that no id of ours has."""


def list_products(context: VerifyContext) -> str:
    """Read the catalogue as the storefront does: whole."""
    answer = context.shop.get("/api/products")
    products = answer.expect_list()
    for each in products:
        if fault := fault_of_product(each):
            raise answer.wrong(f"cannot be shown: {fault}")
    context.offer = next((each for each in products if each["price"] > 0), None)
    return f"{len(products)} products"


def read_product(context: VerifyContext) -> str:
    """Read one product by its id and by its name, and one that does not exist."""
    context.shop.get(f"/api/products/{_UNKNOWN}").expect_problem(404, "not-found")
    offer = context.need_offer()
    answer = context.shop.get(path_of("/api/products", offer["id"]))
    told = answer.expect_object(200)
    if fault := fault_of_product(told):
        raise answer.wrong(f"cannot be shown: {fault}")
    if told["id"] != offer["id"]:
        raise answer.wrong(f"is another product than was asked for: {answer.shown}")
    query = urlencode({"q": str(offer["name"])[:200]})
    found = context.shop.get(f"/api/products?{query}")
    if offer["id"] not in [each.get("id") for each in found.expect_list()]:
        raise found.wrong("does not find a product by its name")
    return f"product {offer['id']!r} by its id and by its name"


def refuse_wrong_price(context: VerifyContext) -> str:
    """Try to pay less than the catalogue wants."""
    offer = context.need_offer()
    price = round(float(offer["price"]) / 2, 2)
    body = {"productId": offer["id"], "quantity": 1, "price": price}
    answer = _refused_order(context, body)
    answer.expect_problem(409, "price-changed")
    return f"{price} instead of {offer['price']} is refused"


def refuse_bad_body(context: VerifyContext) -> str:
    """Send a malformed order."""
    answer = _refused_order(context, {"items": "verify"})
    answer.expect_problem(422, "invalid-request")
    return "an order without lines is refused"


def refuse_unknown_product(context: VerifyContext) -> str:
    """Order what is not in the catalogue."""
    answer = _refused_order(context, {"productId": _UNKNOWN, "quantity": 1})
    answer.expect_problem(422, "unknown-product")
    return "an unknown product is refused"


def refuse_test_order(context: VerifyContext) -> str:
    """Try to place a test order as anybody."""
    # Of a product that does not exist: where it is not refused as it should be, nothing is placed.
    body = {"userEmail": context.address, "productId": _UNKNOWN, "quantity": 1}
    answer = _refused_order(context, body)
    if context.open_to_all:
        answer.expect_problem(422, "unknown-product")
        return "nobody is asked who they are (AUTH=off), so anybody may place one"
    answer.expect_problem(403, "reserved-address")
    return "a test order of anybody is refused"


def read_unknown_order(context: VerifyContext) -> str:
    """Read an order that does not exist."""
    context.shop.get(f"/api/orders/{_UNKNOWN}").expect_problem(404, "not-found")
    return "an unknown order is not found"


def list_orders_without_customer(context: VerifyContext) -> str:
    """Look for the orders of an address that has none."""
    answer = context.shop.get(f"/api/orders/user?{urlencode({'email': context.address})}")
    if answer.of_pod and answer.status in {401, 403}:
        answer.expect_problem(answer.status, "unauthorized", "forbidden")
        return "customers sign in for it"
    if orders := answer.expect_list():
        raise answer.wrong(f"has {len(orders)} orders of an address that never ordered")
    return "an address without orders has none"


def refuse_bad_ticket(context: VerifyContext) -> str:
    """Send a malformed ticket."""
    answer = context.shop.ask("POST", "/api/tickets", json={"subject": ["verify"]})
    if answer.made_something:
        _note_mistake(context, answer, "ticket", "/api/tickets")
    answer.expect_problem(422, "invalid-request")
    return "a ticket that is none is refused"


def place_anonymous_order(context: VerifyContext) -> str:
    """Place an order as a guest does, who leaves no address."""
    if not context.choices.anonymous_order:
        raise StepSkippedError("it is a real order: --anonymous-order places it")
    body = {"productId": context.need_offer()["id"], "quantity": 1}
    key = {"Idempotency-Key": f"verify-{context.run}-guest"}

    def find() -> str | None:
        return _key_of(context.shop.ask("POST", "/api/orders", json=body, headers=key))

    item = context.created.begin("order", "/api/orders", find, "a guest's, the newest")
    item.stays = "" if context.has_rights else "only an administrator removes it"
    answer = context.shop.ask("POST", "/api/orders", json=body, headers=key)
    if answer.is_refusal:
        context.created.forget(item)
    order = answer.expect_object(201)
    if fault := fault_of_order(order):
        raise answer.wrong(f"cannot be shown: {fault}")
    item.key = str(order["id"])
    return f"order {item.key}"


STEPS = (
    VerifyStep("products-listed", list_products, REACHED),
    VerifyStep("product-read", read_product, ("products-listed",)),
    VerifyStep("wrong-price-refused", refuse_wrong_price, ("products-listed",)),
    VerifyStep("bad-order-refused", refuse_bad_body, REACHED),
    VerifyStep("unknown-product-refused", refuse_unknown_product, REACHED),
    VerifyStep("unknown-order-refused", read_unknown_order, REACHED),
    VerifyStep("orders-by-email", list_orders_without_customer, REACHED),
    VerifyStep("bad-ticket-refused", refuse_bad_ticket, REACHED),
)
AFTER_RIGHTS = (
    VerifyStep("test-order-refused", refuse_test_order, REACHED),
    VerifyStep("anonymous-order-placed", place_anonymous_order, ("products-listed",)),
)
"""Steps that depend on whether callers are asked who they are."""


def _refused_order(context: VerifyContext, body: Members) -> ShopAnswer:
    answer = context.shop.ask("POST", "/api/orders", json=body)
    if answer.made_something:
        _note_mistake(context, answer, "order", "/api/orders")
    return answer


def _note_mistake(context: VerifyContext, answer: ShopAnswer, noun: str, collection: str) -> None:
    """Note what should have been refused and was made, so that it is removed or told."""
    item = context.created.begin(noun, collection, lambda: None)
    item.key = _key_of(answer)


def _key_of(answer: ShopAnswer) -> str | None:
    told: Any = answer.expect_object(200, 201)
    return str(told["id"]) if told.get("id") else None
