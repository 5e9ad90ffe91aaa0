"""What each route counts as: one table for all there are."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class RouteClass(StrEnum):
    """Requests that are counted together, each class by itself."""

    FREE = "free"
    """Counted by nobody: who asks how the service does must always be answered."""
    READ = "read"
    WRITE = "write"
    CHAT = "chat"
    """What a provider of AI is paid for."""
    EMAIL = "email"
    """What finds a customer's orders by an address that anybody may know."""


CLASSES: Mapping[str, RouteClass] = MappingProxyType(
    {
        "GET /api/products": RouteClass.READ,
        "GET /api/products/{product_id}": RouteClass.READ,
        "POST /api/products": RouteClass.WRITE,
        "PUT /api/products/{product_id}": RouteClass.WRITE,
        "DELETE /api/products/{product_id}": RouteClass.WRITE,
        "POST /api/orders": RouteClass.WRITE,
        "GET /api/orders/{order_id}": RouteClass.READ,
        "GET /api/orders/user": RouteClass.EMAIL,
        "GET /api/orders": RouteClass.READ,
        "PUT /api/orders/{order_id}": RouteClass.WRITE,
        "DELETE /api/orders/{order_id}": RouteClass.WRITE,
        "POST /api/tickets": RouteClass.WRITE,
        "GET /api/tickets": RouteClass.READ,
        "GET /api/tickets/status": RouteClass.READ,
        "GET /api/tickets/{ticket_id}": RouteClass.READ,
        "PUT /api/tickets/{ticket_id}": RouteClass.WRITE,
        "DELETE /api/tickets/{ticket_id}": RouteClass.WRITE,
        "POST /api/ai/start": RouteClass.WRITE,
        "POST /api/ai/message": RouteClass.CHAT,
        "POST /api/ai/bedrock/start": RouteClass.WRITE,
        "POST /api/ai/bedrock/message": RouteClass.CHAT,
        "POST /api/ai/analyze-sentiment": RouteClass.CHAT,
        "GET /api/pipeline/status": RouteClass.READ,
        "GET /api/problems": RouteClass.READ,
        "GET /api/problems/{code}": RouteClass.READ,
        "GET /": RouteClass.FREE,
        "GET /api": RouteClass.FREE,
        "GET /.well-known/api-catalog": RouteClass.FREE,
        "GET /health": RouteClass.FREE,
        "GET /livez": RouteClass.FREE,
        "GET /api/health": RouteClass.FREE,
        "GET /ready": RouteClass.FREE,
        "GET /readyz": RouteClass.FREE,
        "GET /startupz": RouteClass.FREE,
        "GET /metrics": RouteClass.FREE,
        "GET /openapi.json": RouteClass.FREE,
        "GET /api/openapi.json": RouteClass.FREE,
        "GET /api/config.js": RouteClass.FREE,
        "GET /docs": RouteClass.FREE,
        "GET /api/docs": RouteClass.FREE,
        "GET /docs/": RouteClass.FREE,
        "GET /redoc": RouteClass.FREE,
        "GET /swagger": RouteClass.FREE,
        "GET /api/docs/": RouteClass.FREE,
        "GET /api/redoc": RouteClass.FREE,
        "GET /api/swagger": RouteClass.FREE,
        "GET /docs/assets/swagger-ui-bundle.js": RouteClass.FREE,
        "GET /docs/assets/swagger-ui.css": RouteClass.FREE,
        "GET /docs/assets/favicon.png": RouteClass.FREE,
        "GET /docs/assets/start-swagger.js": RouteClass.FREE,
        "GET /api/docs/assets/swagger-ui-bundle.js": RouteClass.FREE,
        "GET /api/docs/assets/swagger-ui.css": RouteClass.FREE,
        "GET /api/docs/assets/favicon.png": RouteClass.FREE,
        "GET /api/docs/assets/start-swagger.js": RouteClass.FREE,
    }
)
"""By method and path."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def _pattern(entry: str) -> str:
    head, slash, last = entry.rpartition("/")
    return f"{head}/{{}}" if slash and last.startswith("{") else entry


_PATTERNS = {_pattern(entry): kind for entry, kind in CLASSES.items()}


def class_of(method: str, path: str) -> RouteClass:
    """Return what a request counts as; what no route answers counts as what it would do."""
    # The framework's routes match a path with a line break at its end.
    path = path.removesuffix("\n")
    asked = f"{'GET' if method == 'HEAD' else method} {path}"
    kind = _PATTERNS.get(asked) or _PATTERNS.get(f"{asked.rpartition('/')[0]}/{{}}")
    if kind:
        return kind
    return RouteClass.READ if method in _SAFE else RouteClass.WRITE
