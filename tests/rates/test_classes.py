"""What each route counts as."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import iter_route_contexts

from cloudmart.app import create_app
from cloudmart.rates.limiting import CLASSES, RouteClass, class_of
from cloudmart.settings import Environment, Settings


def _routes() -> Iterator[str]:
    app = create_app(Settings(environment=Environment.LOCAL))
    for route in iter_route_contexts(app.routes):
        for method in set(route.methods or ()) - {"HEAD"}:
            yield f"{method} {route.path}"


ROUTES = sorted(_routes())


def test_every_route_has_its_class_and_every_class_its_route() -> None:
    assert sorted(CLASSES) == ROUTES


@pytest.mark.parametrize("entry", ROUTES)
def test_a_request_counts_as_the_route_that_answers_it(entry: str) -> None:
    method, path = re.sub(r"\{\w+\}", "23456789abcdefgh", entry).split(" ")

    assert class_of(method, path) is CLASSES[entry]
    # The framework's routes answer such a path as well.
    assert class_of(method, f"{path}\n") is CLASSES[entry]


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
    assert class_of(method, path) is kind
