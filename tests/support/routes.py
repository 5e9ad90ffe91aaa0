"""Every route that needs the store, with a request that works while the store works."""

from dataclasses import dataclass, field
from typing import Any

PRODUCT = {"name": "Teapot", "description": "Holds a litre.", "price": 24.95, "image": ""}


@dataclass(frozen=True)
class Route:
    """A request to a route."""

    method: str
    template: str
    body: Any = None
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.template}{'*' if self.headers else ''}"

    def path(self, key: str = "nope") -> str:
        """Return the path of an item, or the route's own path."""
        return self.template.replace("{id}", key) + self.query


ROUTES = [
    Route("GET", "/api/products"),
    Route("POST", "/api/products", PRODUCT),
    Route("GET", "/api/products/{id}"),
    Route("PUT", "/api/products/{id}", PRODUCT),
    Route("DELETE", "/api/products/{id}"),
    Route("GET", "/api/orders"),
    Route("POST", "/api/orders", {"productId": "1", "quantity": 1}),
    Route(
        "POST",
        "/api/orders",
        {"productId": "1", "quantity": 1},
        headers={"Idempotency-Key": "store-away"},
    ),
    Route("GET", "/api/orders/user", query="?email=ann@example.org"),
    Route("GET", "/api/orders/{id}"),
    Route("PUT", "/api/orders/{id}", {"status": "Shipped"}),
    Route("DELETE", "/api/orders/{id}"),
    Route("GET", "/api/tickets"),
    Route("POST", "/api/tickets", {"subject": "Lamp"}),
    Route("GET", "/api/tickets/status", query="?status=open"),
    Route("GET", "/api/tickets/{id}"),
    Route("PUT", "/api/tickets/{id}", {"status": "closed"}),
    Route("DELETE", "/api/tickets/{id}"),
]
