"""What the staff does: create, change and remove a product, an order and a ticket."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from cloudmart.verify.cleanup import CreatedItem
from cloudmart.verify.context import Members, VerifyContext, VerifyStep
from cloudmart.verify.response_schema import fault_of_order, fault_of_product, fault_of_ticket
from cloudmart.verify.shop_client import ShopAnswer
from cloudmart.verify.step import StepSkippedError

PRODUCTS, ORDERS, TICKETS = "/api/products", "/api/orders", "/api/tickets"
_RIGHTS = ("signed-in",)
_FEW = 5
_FIRST_PRICE = 1.23
_LOOKS_AT_COPY = 70
"""Another pod may show a product for 30 s as it was (docs/decisions/catalogue-in-memory.md)."""
_LOOKS, _PAUSE = 5, 0.5
"""How often an index is asked for what was made a moment ago, and the seconds between."""
_MOST_PAGES = 20

Fault = Callable[[object], str | None]


def list_orders(context: VerifyContext) -> str:
    """Read some orders of all."""
    return _listed(context, f"{ORDERS}?limit={_FEW}", fault_of_order, "orders")


def list_tickets(context: VerifyContext) -> str:
    """Read some tickets of all."""
    return _listed(context, f"{TICKETS}?limit={_FEW}", fault_of_ticket, "tickets")


def list_open_tickets(context: VerifyContext) -> str:
    """Read some tickets that are open."""
    path = f"{TICKETS}/status?status=open&limit={_FEW}"
    return _listed(context, path, fault_of_ticket, "open tickets")


def ask_pipeline(context: VerifyContext) -> str:
    """Read how orders get to the warehouse."""
    context.need_rights()
    answer = context.shop.get("/api/pipeline/status", admin=True)
    told = answer.expect_object(200)
    if not {"stream", "mapping", "failures", "lagSeconds"} <= told.keys():
        raise answer.wrong(f"does not tell of the pipeline: {answer.shown}")
    return f"stream {told['stream'] or 'unknown'}, lag {_or_unknown(told['lagSeconds'])}"


def add_product(context: VerifyContext) -> str:
    """Add a product to the catalogue."""
    context.need_rights()
    body = {"name": context.title, "description": "A test.", "price": _FIRST_PRICE, "image": ""}
    query = urlencode({"q": context.title})
    context.product = context.created.begin(
        "product", PRODUCTS, lambda: _first_named(context, f"{PRODUCTS}?{query}"), context.title
    )
    answer = context.shop.ask("POST", PRODUCTS, json=body, admin=True)
    told = _made(context, answer, context.product, fault_of_product)
    _same(answer, told, {name: body[name] for name in ("name", "description", "price")})
    return str(context.product)


def change_product(context: VerifyContext) -> str:
    """Change its price, and read it back."""
    item = context.need(context.product)
    body = {"name": context.title, "description": "A test.", "price": 2.34, "image": ""}
    changed = context.shop.ask("PUT", item.path, json=body, admin=True)
    _same(changed, changed.expect_object(200), {"price": 2.34})
    answer = _settled(context, item.path, lambda told: told.get("price") != _FIRST_PRICE)
    _same(answer, answer.expect_object(200), {"id": item.key, "price": 2.34})
    return "2.34 instead of 1.23"


def place_order(context: VerifyContext) -> str:
    """Place a test order."""
    context.need_rights()
    body, key = _order_of(context)

    def find() -> str | None:
        # With the same key the shop answers the same order, or makes the one there is to be.
        told = context.shop.ask("POST", ORDERS, json=body, headers=key, admin=True)
        return str(told.expect_object(201)["id"])

    context.order = context.created.begin("order", ORDERS, find, context.address)
    answer = context.shop.ask("POST", ORDERS, json=body, headers=key, admin=True)
    order = _made(context, answer, context.order, fault_of_order)
    lines = order["items"]
    total = sum(round(line["price"] * 100) * line["quantity"] for line in lines)
    if round(order["total"] * 100) != total:
        raise answer.wrong(f"adds up its lines to {order['total']}, not to {total / 100}")
    return f"{context.order} of {order['total']:.2f} for {context.address}"


def replay_order(context: VerifyContext) -> str:
    """Send the same request again, and another one with its key."""
    item = context.need(context.order)
    body, key = _order_of(context)
    answer = context.shop.ask("POST", ORDERS, json=body, headers=key, admin=True)
    _same(answer, answer.expect_object(201), {"id": item.key})
    other = context.shop.ask("POST", ORDERS, json={**body, "quantity": 3}, headers=key, admin=True)
    other.expect_problem(422, "idempotency-key-reused")
    return "the same key made the same order"


def read_order(context: VerifyContext) -> str:
    """Read the order by its id."""
    item = context.need(context.order)
    answer = context.shop.get(item.path, admin=True)
    order = answer.expect_object(200)
    if fault := fault_of_order(order):
        raise answer.wrong(f"cannot be shown: {fault}")
    _same(answer, order, {"id": item.key, "userEmail": context.address})
    return "it is as it was placed"


def find_order_by_email(context: VerifyContext) -> str:
    """Find the order by the e-mail of its customer."""
    item = context.need(context.order)
    path = f"{ORDERS}/user?{urlencode({'email': context.address})}"

    def listed() -> bool:
        answer = context.shop.get(path, admin=True)
        return item.key in [each.get("id") for each in answer.expect_list()]

    if not _soon(listed):
        raise context.shop.get(path, admin=True).wrong("does not list the order that was placed")
    return f"{context.address} has it"


def change_order(context: VerifyContext) -> str:
    """Change the order's status, and read it back."""
    item = context.need(context.order)
    changed = context.shop.ask("PUT", item.path, json={"status": "Processing"}, admin=True)
    _same(changed, changed.expect_object(200), {"status": "Processing"})
    answer = context.shop.get(item.path, admin=True)
    _same(answer, answer.expect_object(200), {"status": "Processing"})
    return "Processing instead of Pending"


def open_ticket(context: VerifyContext) -> str:
    """Open a ticket."""
    context.need_rights()
    context.ticket = context.created.begin(
        "ticket", TICKETS, lambda: titled_ticket(context, "open", "subject")
    )
    body = {"subject": context.title, "message": "A test."}
    answer = context.shop.ask("POST", TICKETS, json=body)
    told = _made(context, answer, context.ticket, fault_of_ticket)
    _same(answer, told, {"subject": context.title, "status": "open"})
    return str(context.ticket)


def read_ticket(context: VerifyContext) -> str:
    """Read the ticket by its id."""
    item = context.need(context.ticket)
    answer = context.shop.get(item.path, admin=True)
    _same(answer, answer.expect_object(200), {"id": item.key, "subject": context.title})
    return "it is as it was opened"


def change_ticket(context: VerifyContext) -> str:
    """Close the ticket."""
    item = context.need(context.ticket)
    answer = context.shop.ask("PUT", item.path, json={"status": "closed"}, admin=True)
    _same(answer, answer.expect_object(200), {"status": "closed"})
    return "closed instead of open"


def remove_order(context: VerifyContext) -> str:
    """Remove the order."""
    return _removed(context, context.order)


def remove_ticket(context: VerifyContext) -> str:
    """Remove the ticket."""
    return _removed(context, context.ticket)


def remove_product(context: VerifyContext) -> str:
    """Remove the product."""
    return _removed(context, context.product)


def titled_ticket(context: VerifyContext, status: str, member: str) -> str | None:
    """Return the id of this run's ticket of a status, looked for page by page."""
    path: str | None = f"{TICKETS}/status?status={status}&limit=1000"
    for _ in range(_MOST_PAGES):
        if path is None:
            break
        answer = context.shop.get(path, admin=True)
        for each in answer.expect_list():
            if each.get(member) == context.title:
                return str(each["id"])
        path = _next_page(answer)
    return None


STEPS = (
    VerifyStep("orders-listed", list_orders, _RIGHTS),
    VerifyStep("tickets-listed", list_tickets, _RIGHTS),
    VerifyStep("open-tickets-listed", list_open_tickets, _RIGHTS),
    VerifyStep("pipeline-told", ask_pipeline, _RIGHTS),
    VerifyStep("product-added", add_product, _RIGHTS),
    VerifyStep("product-changed", change_product, ("product-added",)),
    VerifyStep("order-placed", place_order, _RIGHTS),
    VerifyStep("order-replayed", replay_order, ("order-placed",)),
    VerifyStep("order-read", read_order, ("order-placed",)),
    VerifyStep("order-found-by-email", find_order_by_email, ("order-placed",)),
    VerifyStep("order-changed", change_order, ("order-placed",)),
    VerifyStep("ticket-opened", open_ticket, _RIGHTS),
    VerifyStep("ticket-read", read_ticket, ("ticket-opened",)),
    VerifyStep("ticket-changed", change_ticket, ("ticket-opened",)),
    VerifyStep("order-removed", remove_order, ("order-placed",)),
    VerifyStep("ticket-removed", remove_ticket, ("ticket-opened",)),
    VerifyStep("product-removed", remove_product, ("product-added",)),
)


def _listed(context: VerifyContext, path: str, fault_of: Fault, noun: str) -> str:
    context.need_rights()
    answer = context.shop.get(path, admin=True)
    found = answer.expect_list()
    for each in found:
        if fault := fault_of(each):
            raise answer.wrong(f"cannot be shown: {fault}")
    return f"{len(found)} {noun} of {_FEW} at most"


def _made(
    context: VerifyContext, answer: ShopAnswer, item: CreatedItem, fault_of: Fault
) -> Members:
    """Return what was made, with its id noted, or raise StepFailedError."""
    if answer.is_refusal:
        context.created.forget(item)
    told = answer.expect_object(201)
    item.key = str(told["id"]) if told.get("id") else None
    if fault := fault_of(told):
        raise answer.wrong(f"cannot be shown: {fault}")
    return told


def _same(answer: ShopAnswer, told: Members, wanted: Members) -> None:
    for name, value in wanted.items():
        if told.get(name) != value:
            raise answer.wrong(f"has {name} {told.get(name)!r}, not {value!r}")


def _order_of(context: VerifyContext) -> tuple[dict[str, Any], dict[str, str]]:
    made = context.product
    product = made.key if made and made.key else context.need_offer()["id"]
    body = {"userEmail": context.address, "productId": product, "quantity": 2}
    return body, {"Idempotency-Key": f"verify-{context.run}"}


def _removed(context: VerifyContext, made: CreatedItem | None) -> str:
    item = context.need(made)
    if context.choices.keep:
        raise StepSkippedError(f"--keep leaves {item}")
    context.shop.ask("DELETE", item.path, admin=True).expect_object(200)
    answer = _settled(context, item.path, lambda _: item.collection != PRODUCTS)
    answer.expect_problem(404, "not-found")
    context.created.forget(item)
    return f"{item} is gone"


def _first_named(context: VerifyContext, path: str) -> str | None:
    found = context.shop.get(path, admin=True).expect_list()
    return next((str(each["id"]) for each in found if each.get("name") == context.title), None)


def _next_page(answer: ShopAnswer) -> str | None:
    link = str(answer.headers.get("Link", ""))
    address, _, rest = link.removeprefix("<").partition(">")
    return address[address.index("/api") :] if "next" in rest and "/api" in address else None


def _settled(context: VerifyContext, path: str, is_new: Callable[[Members], bool]) -> ShopAnswer:
    """Return the answer once it is no older one of another pod's, or the last one."""
    for _ in range(_LOOKS_AT_COPY):
        answer = context.shop.get(path, admin=True)
        if answer.status != HTTPStatus.OK or is_new(answer.expect_object(200)):
            break
        time.sleep(_PAUSE)
    return answer


def _soon(holds: Callable[[], bool]) -> bool:
    """Return whether something holds at last: an index knows of a change some moments later."""
    for look in range(_LOOKS):
        if look:
            time.sleep(_PAUSE)
        if holds():
            return True
    return False


def _or_unknown(seconds: object) -> str:
    return "unknown" if seconds is None else f"{seconds} s"
