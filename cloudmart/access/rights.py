"""Who may do what: one table for all routes."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

MARK = "<!-- What follows is written by `make docs`. -->\n"


class Right(StrEnum):
    """Who may call an operation."""

    ANYONE = "anyone"
    GUEST = "anyone; a token decides whose orders the assistant may see"
    READER = "anyone; only administrators see who changed it"
    TESTER = "anyone; test orders (`@verify.invalid`): administrators"
    CUSTOMER = "a customer who signed in with that e-mail address, and administrators"
    ADMIN = "administrators"


RIGHTS: Mapping[str, Right] = MappingProxyType(
    {
        "GET /api/products": Right.ANYONE,
        "GET /api/products/{product_id}": Right.ANYONE,
        "POST /api/products": Right.ADMIN,
        "PUT /api/products/{product_id}": Right.ADMIN,
        "DELETE /api/products/{product_id}": Right.ADMIN,
        "POST /api/orders": Right.TESTER,
        "GET /api/orders/{order_id}": Right.READER,
        "GET /api/orders/user": Right.CUSTOMER,
        "GET /api/orders": Right.ADMIN,
        "PUT /api/orders/{order_id}": Right.ADMIN,
        "DELETE /api/orders/{order_id}": Right.ADMIN,
        "POST /api/tickets": Right.ANYONE,
        "GET /api/tickets": Right.ADMIN,
        "GET /api/tickets/status": Right.ADMIN,
        "GET /api/tickets/{ticket_id}": Right.ADMIN,
        "PUT /api/tickets/{ticket_id}": Right.ADMIN,
        "DELETE /api/tickets/{ticket_id}": Right.ADMIN,
        "POST /api/ai/start": Right.ANYONE,
        "POST /api/ai/message": Right.GUEST,
        "POST /api/ai/bedrock/start": Right.ANYONE,
        "POST /api/ai/bedrock/message": Right.GUEST,
        "POST /api/ai/analyze-sentiment": Right.ANYONE,
        "GET /api/pipeline/status": Right.ADMIN,
        "GET /api/problems": Right.ANYONE,
        "GET /api/problems/{code}": Right.ANYONE,
        "GET /api": Right.ANYONE,
        "GET /.well-known/api-catalog": Right.ANYONE,
        "GET /health": Right.ANYONE,
        "GET /livez": Right.ANYONE,
        "GET /api/health": Right.ANYONE,
        "GET /ready": Right.ANYONE,
        "GET /readyz": Right.ANYONE,
        "GET /startupz": Right.ANYONE,
        "GET /metrics": Right.ANYONE,
        "GET /openapi.json": Right.ANYONE,
        "GET /api/openapi.json": Right.ANYONE,
        "GET /api/config.js": Right.ANYONE,
        "GET /": Right.ANYONE,
        "GET /docs": Right.ANYONE,
        "GET /api/docs": Right.ANYONE,
        "GET /docs/": Right.ANYONE,
        "GET /redoc": Right.ANYONE,
        "GET /swagger": Right.ANYONE,
        "GET /swagger/": Right.ANYONE,
        "GET /swagger-ui": Right.ANYONE,
        "GET /swagger-ui.html": Right.ANYONE,
        "GET /swagger-ui/index.html": Right.ANYONE,
        "GET /api-docs": Right.ANYONE,
        "GET /api/docs/": Right.ANYONE,
        "GET /api/redoc": Right.ANYONE,
        "GET /api/swagger": Right.ANYONE,
        "GET /api/swagger/": Right.ANYONE,
        "GET /api/swagger-ui": Right.ANYONE,
        "GET /api/swagger-ui.html": Right.ANYONE,
        "GET /api/swagger-ui/index.html": Right.ANYONE,
        "GET /api/api-docs": Right.ANYONE,
        "GET /docs/assets/swagger-ui-bundle.js": Right.ANYONE,
        "GET /docs/assets/swagger-ui.css": Right.ANYONE,
        "GET /docs/assets/favicon.png": Right.ANYONE,
        "GET /docs/assets/start-swagger.js": Right.ANYONE,
        "GET /api/docs/assets/swagger-ui-bundle.js": Right.ANYONE,
        "GET /api/docs/assets/swagger-ui.css": Right.ANYONE,
        "GET /api/docs/assets/favicon.png": Right.ANYONE,
        "GET /api/docs/assets/start-swagger.js": Right.ANYONE,
    }
)
"""By method and path. `/metrics` is a route in local mode only."""


def rights_page() -> str:
    """Return a row for each right: who may call what."""
    rows = (f"| {right} | {_operations(right)} |\n" for right in Right)
    return f"| who | may call |\n|---|---|\n{''.join(rows)}"


def main(page: Path) -> None:
    """Renew the end of a page."""
    text = page.read_text(encoding="utf-8").partition(MARK)[0]
    page.write_text(f"{text}{MARK}\n{rights_page()}", encoding="utf-8")


def _operations(right: Right) -> str:
    return "<br>".join(f"`{entry}`" for entry, whose in RIGHTS.items() if whose is right)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
