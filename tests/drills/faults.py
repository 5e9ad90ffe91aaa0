"""The faults of the drills, each by the drill's name."""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx2

from cloudmart.pipeline.ports import RowFault
from cloudmart.pipeline.rows import Row
from tests.drills.shop import EMAIL, DrilledShop, working
from tests.health.world import expiring_in
from tests.support import scripted_server
from tests.support.fault_proxy import Fault, Refusal
from tests.support.responses_api import (
    USAGE,
    ending,
    error,
    event,
    function_call,
    response,
    stream,
)
from tests.support.scripted_server import Reply, Request
from tests.support.shop_tables import put


def _renew_late(shop: DrilledShop) -> None:
    # Health warns of credentials that expire in ten minutes and could not be renewed.
    shop.sts.rewrite = expiring_in(610)


def _refuse_identity(shop: DrilledShop) -> None:
    said = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    shop.sts.fail(Refusal(403, "AccessDenied", said), "AssumeRoleWithWebIdentity")


def _stop_dynamodb(shop: DrilledShop) -> None:
    shop.dynamodb.stop()


def _throttle(shop: DrilledShop) -> None:
    shop.dynamodb.fail(Fault.THROTTLED)


def _refuse_key(shop: DrilledShop) -> None:
    refused = error(401, "invalid_api_key", "Incorrect API key provided.")

    def answer(_: Request) -> Reply:
        return refused

    shop.world.providers.openai.answer = answer


def _poison(shop: DrilledShop) -> None:
    aws = shop.world.aws
    put(aws.client("dynamodb"), aws.names.orders_table, {"id": "poison", "createdAt": "not a time"})


def _change_configuration(shop: DrilledShop) -> None:
    (shop.config / "AWS_REGION").write_text("eu-central-1", "utf-8")


def _damage_product(shop: DrilledShop) -> None:
    aws = shop.world.aws
    damaged = {"id": "damaged", "name": "Vase", "price": "twelve", "image": ""}
    put(aws.client("dynamodb"), aws.names.products_table, damaged)


def _answer_quickly_or_not(shop: DrilledShop) -> None:
    shop.environ = {"AI_TURN_TIMEOUT": "1.5"}


def _hang(shop: DrilledShop) -> None:
    shop.world.providers.openai.answer = lambda _: Reply(chunks=[scripted_server.Fault.HANG])


def _let_take_many_steps(shop: DrilledShop) -> None:
    shop.environ = {"AI_MAX_STEPS": "20"}


def _charge(shop: DrilledShop) -> None:
    dear = {name: value * 1000 for name, value in USAGE.items() if isinstance(value, int)}
    call = function_call("call_1", "search_products", '{"query": "lamp"}')
    done = event("response.output_item.done", output_index=0, item=call)
    begun = event("response.created", response=response("in_progress"))
    shop.openai = lambda _: stream(begun, done, ending(call, usage=dear))


class _Choosy:
    """A warehouse that refuses the next row when a test asks for it."""

    def __init__(self, warehouse: Any) -> None:  # noqa: ANN401 - DuckDB's, and what it has
        self._warehouse = warehouse
        self.refuse = threading.Event()

    def insert(self, rows: Mapping[str, Row]) -> Mapping[str, RowFault]:
        """Insert all rows but one."""
        refused = next(iter(rows), None) if self.refuse.is_set() else None
        taken = {event: row for event, row in rows.items() if event != refused}
        found = dict(self._warehouse.insert(taken))
        if refused:
            self.refuse.clear()
            found[refused] = RowFault(passing=False, reason="invalid", column="total")
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a warehouse has
        return getattr(self._warehouse, name)


def _choose_rows(shop: DrilledShop) -> None:
    shop.rows = _Choosy(shop.world.warehouse)


def _refuse_row(shop: DrilledShop) -> None:
    assert isinstance(shop.rows, _Choosy)
    shop.rows.refuse.set()


def _release_a_placeholder(shop: DrilledShop) -> None:
    shop.end()
    shop.world.environ["AZURE_API_KEY"] = "your-azure-api-key"


def _deny_products(shop: DrilledShop) -> None:
    shop.dynamodb.fail(Fault.DENIED, "Scan")


def _let_look_up_seldom(shop: DrilledShop) -> None:
    shop.environ = {"RATE_LIMIT_EMAIL": "20"}


def _flood(shop: DrilledShop) -> None:
    def ask(stopping: threading.Event) -> None:
        elsewhere = httpx2.HTTPTransport(local_address="127.0.0.2")
        with httpx2.Client(base_url=shop.url, transport=elsewhere, timeout=30) as client:
            while not stopping.wait(0.005):
                client.get("/api/orders/user", params={"email": EMAIL})

    shop.going_on.enter_context(working(ask))


def _sell_large_pictures(shop: DrilledShop) -> None:
    aws = shop.world.aws
    picture = "data:image/png;base64," + "A" * 50_000
    for number in range(8):
        large = {"id": f"large-{number}", "name": "Picture", "price": number + 1, "image": picture}
        put(aws.client("dynamodb"), aws.names.products_table, large)


def _stall(shop: DrilledShop) -> None:
    address = urlsplit(shop.url)

    def ask(stopping: threading.Event) -> None:
        with ExitStack() as held:
            while not stopping.wait(0.5):
                reader = held.enter_context(socket.socket())
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                reader.connect((address.hostname, address.port))
                reader.sendall(b"GET /api/products HTTP/1.1\r\nHost: shop\r\n\r\n")

    shop.going_on.enter_context(working(ask))


FAULTS: dict[str, Callable[[DrilledShop], None]] = {
    "identity-refused": _refuse_identity,
    "dynamodb-away": _stop_dynamodb,
    "dynamodb-throttled": _throttle,
    "provider-refusing": _refuse_key,
    "poison-record": _poison,
    "stale-configuration": _change_configuration,
    "one-bad-item": _damage_product,
    "provider-hanging": _hang,
    "provider-expensive": _charge,
    "bigquery-refusing-a-row": _refuse_row,
    "placeholder": _release_a_placeholder,
    "catalogue-stale": _deny_products,
    "client-floods": _flood,
    "reader-stalls": _stall,
}
PREPARATIONS: dict[str, Callable[[DrilledShop], None]] = {
    "identity-refused": _renew_late,
    "provider-hanging": _answer_quickly_or_not,
    "provider-expensive": _let_take_many_steps,
    "bigquery-refusing-a-row": _choose_rows,
    "client-floods": _let_look_up_seldom,
    "reader-stalls": _sell_large_pictures,
}
"""Faults that exist from the beginning."""
