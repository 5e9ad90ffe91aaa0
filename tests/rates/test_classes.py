"""The class of each route for the limits."""

import re

import pytest
from fastapi import APIRouter, FastAPI

from cloudmart.app import create_app
from cloudmart.rates.route_class import ClassifiedRouter, RouteClass, RouteClasses
from cloudmart.settings import Environment, Settings

EXPECTED = {
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
    "GET /swagger/": RouteClass.FREE,
    "GET /swagger-ui": RouteClass.FREE,
    "GET /swagger-ui.html": RouteClass.FREE,
    "GET /swagger-ui/index.html": RouteClass.FREE,
    "GET /api-docs": RouteClass.FREE,
    "GET /api/docs/": RouteClass.FREE,
    "GET /api/redoc": RouteClass.FREE,
    "GET /api/swagger": RouteClass.FREE,
    "GET /api/swagger/": RouteClass.FREE,
    "GET /api/swagger-ui": RouteClass.FREE,
    "GET /api/swagger-ui.html": RouteClass.FREE,
    "GET /api/swagger-ui/index.html": RouteClass.FREE,
    "GET /api/api-docs": RouteClass.FREE,
    "GET /docs/assets/swagger-ui-bundle.js": RouteClass.FREE,
    "GET /docs/assets/swagger-ui.css": RouteClass.FREE,
    "GET /docs/assets/favicon.png": RouteClass.FREE,
    "GET /docs/assets/start-swagger.js": RouteClass.FREE,
    "GET /api/docs/assets/swagger-ui-bundle.js": RouteClass.FREE,
    "GET /api/docs/assets/swagger-ui.css": RouteClass.FREE,
    "GET /api/docs/assets/favicon.png": RouteClass.FREE,
    "GET /api/docs/assets/start-swagger.js": RouteClass.FREE,
}
APP = create_app(Settings(environment=Environment.LOCAL))
CLASSES = APP.classes


def test_every_route_counts_in_the_listed_class() -> None:
    assert dict(CLASSES.table) == EXPECTED


def test_metrics_are_a_route_in_local_mode_only() -> None:
    elsewhere = create_app(Settings(environment=Environment.PRODUCTION)).classes

    assert EXPECTED.items() - elsewhere.table.items() == {("GET /metrics", RouteClass.FREE)}
    assert elsewhere.table.items() <= EXPECTED.items()


@pytest.mark.parametrize("entry", sorted(EXPECTED))
def test_a_request_counts_as_the_route_that_answers_it(entry: str) -> None:
    method, path = re.sub(r"\{\w+\}", "23456789abcdefgh", entry).split(" ")

    assert CLASSES.of(method, path) is EXPECTED[entry]
    # The framework's own routes also answer such a path.
    assert CLASSES.of(method, f"{path}\n") is EXPECTED[entry]


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("HEAD", "/api/products", RouteClass.READ),
        ("HEAD", "/api/orders/user", RouteClass.EMAIL),
        ("OPTIONS", "/api/orders", RouteClass.READ),
        ("GET", "/docs/assets/swagger-ui.css", RouteClass.FREE),
        ("GET", "/docs/assets/swagger-ui.map", RouteClass.READ),
        ("GET", "/docs/assets/", RouteClass.READ),
        ("GET", "/api/docs/assets/x/swagger-ui.css", RouteClass.READ),
        ("POST", "/docs/assets/swagger-ui.css", RouteClass.WRITE),
        ("GET", "/nowhere", RouteClass.READ),
        ("POST", "/health", RouteClass.WRITE),
        ("DELETE", "/api/orders/user", RouteClass.WRITE),
        ("PATCH", "/api/products/1", RouteClass.WRITE),
        ("BREW", "/", RouteClass.WRITE),
        ("POST", "/api/ai/message/", RouteClass.WRITE),
        ("GET", "", RouteClass.READ),
        ("GET", "/api/products/a/b", RouteClass.READ),
        ("GET", "/health/x", RouteClass.READ),
    ],
)
def test_what_no_route_answers_is_counted_too(method: str, path: str, kind: RouteClass) -> None:
    assert CLASSES.of(method, path) is kind


def test_a_route_counts_as_its_router_says_unless_it_says_otherwise() -> None:
    router = ClassifiedRouter(counts_as=RouteClass.CHAT, prefix="/api/voice")

    @router.post("/start")
    @router.counts_as(RouteClass.WRITE)
    async def start() -> None: ...

    @router.post("/message")
    async def say() -> None: ...

    assert dict(router.classes()) == {
        "POST /api/voice/start": RouteClass.WRITE,
        "POST /api/voice/message": RouteClass.CHAT,
    }


def test_without_a_class_of_its_router_a_route_counts_by_its_method() -> None:
    router = ClassifiedRouter()
    router.add_api_route("/api/gifts", lambda: "all", methods=["GET", "POST"])

    assert dict(router.classes()) == {
        "GET /api/gifts": RouteClass.READ,
        "POST /api/gifts": RouteClass.WRITE,
    }


def _refused(router: APIRouter, prefix: str = "") -> None:
    app = FastAPI()
    app.include_router(router, prefix=prefix)
    classes = RouteClasses.of_routers([router] if isinstance(router, ClassifiedRouter) else [])
    with pytest.raises(LookupError, match="GET /api/gifts has no class for the rate limits"):
        classes.check(app.router.routes[-1:])


def test_a_route_without_a_class_is_refused() -> None:
    router = APIRouter()
    router.add_api_route("/api/gifts", lambda: "all")

    _refused(router)


def test_a_route_below_another_prefix_than_its_router_says_is_refused() -> None:
    router = ClassifiedRouter()
    router.add_api_route("/gifts", lambda: "all")

    _refused(router, "/api")


def test_a_websocket_needs_a_class_as_well() -> None:
    app = FastAPI(openapi_url=None)

    @app.websocket("/api/live")
    async def live() -> None: ...

    with pytest.raises(LookupError, match="ANY /api/live has no class for the rate limits"):
        CLASSES.check(app.routes)


def test_every_route_of_the_application_has_a_class() -> None:
    CLASSES.check(APP.routes)
