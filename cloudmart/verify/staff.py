"""What the staff does: a product, an order and a ticket from their making to their removal."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from cloudmart.verify.made import MadeItem
from cloudmart.verify.shapes import fault_of_order, fault_of_product, fault_of_ticket
from cloudmart.verify.shop_client import ShopAnswer
from cloudmart.verify.step import StepSkippedError, VerifyStep
from cloudmart.verify.visit import Members, Visit

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


def list_orders(visit: Visit) -> str:
    """Read some orders of all."""
    return _listed(visit, f"{ORDERS}?limit={_FEW}", fault_of_order, "orders")


def list_tickets(visit: Visit) -> str:
    """Read some tickets of all."""
    return _listed(visit, f"{TICKETS}?limit={_FEW}", fault_of_ticket, "tickets")


def list_open_tickets(visit: Visit) -> str:
    """Read some tickets that are open."""
    path = f"{TICKETS}/status?status=open&limit={_FEW}"
    return _listed(visit, path, fault_of_ticket, "open tickets")


def ask_pipeline(visit: Visit) -> str:
    """Read how orders get to the warehouse."""
    visit.need_rights()
    answer = visit.shop.get("/api/pipeline/status", admin=True)
    told = answer.expect_object(200)
    if not {"stream", "mapping", "failures", "lagSeconds"} <= told.keys():
        raise answer.wrong(f"does not tell of the pipeline: {answer.shown}")
    return f"stream {told['stream'] or 'unknown'}, lag {_or_unknown(told['lagSeconds'])}"


def add_product(visit: Visit) -> str:
    """Add a product to the catalogue."""
    visit.need_rights()
    body = {"name": visit.title, "description": "A test.", "price": _FIRST_PRICE, "image": ""}
    query = urlencode({"q": visit.title})
    visit.product = visit.made.begin(
        "product", PRODUCTS, lambda: _first_named(visit, f"{PRODUCTS}?{query}"), visit.title
    )
    answer = visit.shop.ask("POST", PRODUCTS, json=body, admin=True)
    told = _made(visit, answer, visit.product, fault_of_product)
    _same(answer, told, {name: body[name] for name in ("name", "description", "price")})
    return str(visit.product)


def change_product(visit: Visit) -> str:
    """Change its price, and read it back."""
    item = visit.need(visit.product)
    body = {"name": visit.title, "description": "A test.", "price": 2.34, "image": ""}
    changed = visit.shop.ask("PUT", item.path, json=body, admin=True)
    _same(changed, changed.expect_object(200), {"price": 2.34})
    answer = _settled(visit, item.path, lambda told: told.get("price") != _FIRST_PRICE)
    _same(answer, answer.expect_object(200), {"id": item.key, "price": 2.34})
    return "2.34 instead of 1.23"


def place_order(visit: Visit) -> str:
    """Place a test order."""
    visit.need_rights()
    body, key = _order_of(visit)

    def find() -> str | None:
        # With the same key the shop answers the same order, or makes the one there is to be.
        told = visit.shop.ask("POST", ORDERS, json=body, headers=key, admin=True)
        return str(told.expect_object(201)["id"])

    visit.order = visit.made.begin("order", ORDERS, find, visit.address)
    answer = visit.shop.ask("POST", ORDERS, json=body, headers=key, admin=True)
    order = _made(visit, answer, visit.order, fault_of_order)
    lines = order["items"]
    total = sum(round(line["price"] * 100) * line["quantity"] for line in lines)
    if round(order["total"] * 100) != total:
        raise answer.wrong(f"adds up its lines to {order['total']}, not to {total / 100}")
    return f"{visit.order} of {order['total']:.2f} for {visit.address}"


def replay_order(visit: Visit) -> str:
    """Send the same request again, and another one with its key."""
    item = visit.need(visit.order)
    body, key = _order_of(visit)
    answer = visit.shop.ask("POST", ORDERS, json=body, headers=key, admin=True)
    _same(answer, answer.expect_object(201), {"id": item.key})
    other = visit.shop.ask("POST", ORDERS, json={**body, "quantity": 3}, headers=key, admin=True)
    other.expect_problem(422, "idempotency-key-reused")
    return "the same key made the same order"


def read_order(visit: Visit) -> str:
    """Read the order by its id."""
    item = visit.need(visit.order)
    answer = visit.shop.get(item.path, admin=True)
    order = answer.expect_object(200)
    if fault := fault_of_order(order):
        raise answer.wrong(f"cannot be shown: {fault}")
    _same(answer, order, {"id": item.key, "userEmail": visit.address})
    return "it is as it was placed"


def find_order_by_email(visit: Visit) -> str:
    """Find the order by the e-mail of its customer."""
    item = visit.need(visit.order)
    path = f"{ORDERS}/user?{urlencode({'email': visit.address})}"

    def listed() -> bool:
        answer = visit.shop.get(path, admin=True)
        return item.key in [each.get("id") for each in answer.expect_list()]

    if not _soon(listed):
        raise visit.shop.get(path, admin=True).wrong("does not list the order that was placed")
    return f"{visit.address} has it"


def change_order(visit: Visit) -> str:
    """Change the order's status, and read it back."""
    item = visit.need(visit.order)
    changed = visit.shop.ask("PUT", item.path, json={"status": "Processing"}, admin=True)
    _same(changed, changed.expect_object(200), {"status": "Processing"})
    answer = visit.shop.get(item.path, admin=True)
    _same(answer, answer.expect_object(200), {"status": "Processing"})
    return "Processing instead of Pending"


def open_ticket(visit: Visit) -> str:
    """Open a ticket."""
    visit.need_rights()
    visit.ticket = visit.made.begin(
        "ticket", TICKETS, lambda: titled_ticket(visit, "open", "subject")
    )
    body = {"subject": visit.title, "message": "A test."}
    answer = visit.shop.ask("POST", TICKETS, json=body)
    told = _made(visit, answer, visit.ticket, fault_of_ticket)
    _same(answer, told, {"subject": visit.title, "status": "open"})
    return str(visit.ticket)


def read_ticket(visit: Visit) -> str:
    """Read the ticket by its id."""
    item = visit.need(visit.ticket)
    answer = visit.shop.get(item.path, admin=True)
    _same(answer, answer.expect_object(200), {"id": item.key, "subject": visit.title})
    return "it is as it was opened"


def change_ticket(visit: Visit) -> str:
    """Close the ticket."""
    item = visit.need(visit.ticket)
    answer = visit.shop.ask("PUT", item.path, json={"status": "closed"}, admin=True)
    _same(answer, answer.expect_object(200), {"status": "closed"})
    return "closed instead of open"


def remove_order(visit: Visit) -> str:
    """Remove the order."""
    return _removed(visit, visit.order)


def remove_ticket(visit: Visit) -> str:
    """Remove the ticket."""
    return _removed(visit, visit.ticket)


def remove_product(visit: Visit) -> str:
    """Remove the product."""
    return _removed(visit, visit.product)


def titled_ticket(visit: Visit, status: str, member: str) -> str | None:
    """Return the id of this visit's ticket of a status, looked for page by page."""
    path: str | None = f"{TICKETS}/status?status={status}&limit=1000"
    for _ in range(_MOST_PAGES):
        if path is None:
            break
        answer = visit.shop.get(path, admin=True)
        for each in answer.expect_list():
            if each.get(member) == visit.title:
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


def _listed(visit: Visit, path: str, fault_of: Fault, noun: str) -> str:
    visit.need_rights()
    answer = visit.shop.get(path, admin=True)
    found = answer.expect_list()
    for each in found:
        if fault := fault_of(each):
            raise answer.wrong(f"cannot be shown: {fault}")
    return f"{len(found)} {noun} of {_FEW} at most"


def _made(visit: Visit, answer: ShopAnswer, item: MadeItem, fault_of: Fault) -> Members:
    """Return what was made, with its id noted, or raise StepFailedError."""
    if answer.is_refusal:
        visit.made.forget(item)
    told = answer.expect_object(201)
    item.key = str(told["id"]) if told.get("id") else None
    if fault := fault_of(told):
        raise answer.wrong(f"cannot be shown: {fault}")
    return told


def _same(answer: ShopAnswer, told: Members, wanted: Members) -> None:
    for name, value in wanted.items():
        if told.get(name) != value:
            raise answer.wrong(f"has {name} {told.get(name)!r}, not {value!r}")


def _order_of(visit: Visit) -> tuple[dict[str, Any], dict[str, str]]:
    made = visit.product
    product = made.key if made and made.key else visit.need_offer()["id"]
    body = {"userEmail": visit.address, "productId": product, "quantity": 2}
    return body, {"Idempotency-Key": f"verify-{visit.run}"}


def _removed(visit: Visit, made: MadeItem | None) -> str:
    item = visit.need(made)
    if visit.choices.keep:
        raise StepSkippedError(f"--keep leaves {item}")
    visit.shop.ask("DELETE", item.path, admin=True).expect_object(200)
    answer = _settled(visit, item.path, lambda _: item.collection != PRODUCTS)
    answer.expect_problem(404, "not-found")
    visit.made.forget(item)
    return f"{item} is gone"


def _first_named(visit: Visit, path: str) -> str | None:
    found = visit.shop.get(path, admin=True).expect_list()
    return next((str(each["id"]) for each in found if each.get("name") == visit.title), None)


def _next_page(answer: ShopAnswer) -> str | None:
    link = str(answer.headers.get("Link", ""))
    address, _, rest = link.removeprefix("<").partition(">")
    return address[address.index("/api") :] if "next" in rest and "/api" in address else None


def _settled(visit: Visit, path: str, is_new: Callable[[Members], bool]) -> ShopAnswer:
    """Return the answer once it is no older one of another pod's, or the last one."""
    for _ in range(_LOOKS_AT_COPY):
        answer = visit.shop.get(path, admin=True)
        if answer.status != HTTPStatus.OK or is_new(answer.expect_object(200)):
            break
        time.sleep(_PAUSE)
    return answer


def _soon(holds: Callable[[], bool]) -> bool:
    """Tell whether something holds at last: an index knows of a change some moments later."""
    for look in range(_LOOKS):
        if look:
            time.sleep(_PAUSE)
        if holds():
            return True
    return False


def _or_unknown(seconds: object) -> str:
    return "unknown" if seconds is None else f"{seconds} s"
