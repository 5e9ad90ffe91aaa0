"""The cases: a table with an entry for each route, and other `Case`s."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from bench import bare_aioboto3
from bench.load_generator import Load
from bench.loads import DynamoDBLoad, HttpLoad, Operations, Request
from bench.servers import Server
from bench.shop import CUSTOMER, ORDERS, OTHER_CUSTOMER, PRODUCTS

FASTAPI = "bare FastAPI"
AIOBOTO3 = "bare aioboto3"
SIGNED = "bare signed call"
CEILINGS = {FASTAPI, AIOBOTO3}

_ORDER = {
    "userEmail": OTHER_CUSTOMER,
    "items": [{"productId": line.product_id, "quantity": 2} for line in ORDERS[0].items],
}


@dataclass(frozen=True, slots=True)
class Case:
    """Loads to compare, each under the name of the program that does the work."""

    name: str
    loads: Mapping[str, Load]


@dataclass(frozen=True, slots=True)
class Route:
    """A route: the request to send, and the DynamoDB operation behind it."""

    name: str
    request: Request
    operations: Operations
    signed: bool = False
    """Whether there is a bare route with one signed call to compare it with."""


ROUTES = (
    Route(
        "GET /api/products",
        Request("GET", ["/api/products"]),
        bare_aioboto3.scan_products,
    ),
    Route(
        "GET /api/products/{id}",
        Request("GET", [f"/api/products/{product.id}" for product in PRODUCTS]),
        bare_aioboto3.get_product,
    ),
    Route(
        "GET /api/orders/user",
        Request("GET", [f"/api/orders/user?email={quote(CUSTOMER)}"]),
        bare_aioboto3.query_orders,
    ),
    Route(
        "GET /api/orders/{id}",
        Request("GET", [f"/api/orders/{order.id}" for order in ORDERS]),
        bare_aioboto3.get_order,
        signed=True,
    ),
    Route(
        "POST /api/orders",
        Request("POST", ["/api/orders"], body=_ORDER, status=201),
        bare_aioboto3.write_order,
        signed=True,
    ),
)


SEEN = Request("GET", ["/api/products"], status=304, seen=True)
"""The headers of a browser that already has the list."""

# Like the kubelet: one request at a time.
PROBES = tuple(Request("GET", [path], connections=1) for path in ("/health", "/ready", "/startupz"))


def cases(servers: Mapping[str, Server]) -> Iterator[Case]:
    """Yield all cases, given the servers that answer."""
    for route in ROUTES:
        yield Case(
            route.name,
            {
                **{
                    name: HttpLoad(server.url, server.pid, route.request)
                    for name, server in servers.items()
                    if route.signed or name != SIGNED
                },
                AIOBOTO3: DynamoDBLoad(route.operations),
            },
        )
    seen = {
        name: HttpLoad(server.url, server.pid, SEEN)
        for name, server in servers.items()
        if name != SIGNED
    }
    yield Case("GET /api/products, If-None-Match", seen)
    for probe in PROBES:
        loads = {
            name: HttpLoad(server.url, server.pid, probe)
            for name, server in servers.items()
            if name != SIGNED
        }
        yield Case(f"GET {probe.paths[0]}", loads)
