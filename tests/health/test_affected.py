"""Which paths fail without a dependency. They are paths that the application really has."""

import pytest
from fastapi.routing import APIRoute

from cloudmart.app import ROUTERS, create_app
from cloudmart.composition.runtime import Runtime
from cloudmart.health import state
from cloudmart.health.report import alive
from cloudmart.health.state import Dependency, Health
from cloudmart.settings import Environment, Settings

SETTINGS = Settings(environment=Environment.LOCAL)
DEPENDENCIES = {name: it for name, it in vars(state).items() if isinstance(it, Dependency)}
DATA = ["/api/products", "/api/orders", "/api/tickets"]
EXPECTED = {
    "CREDENTIALS": DATA,
    "IDENTITY": [],
    "CONFIGURATION": [],
    "CLOCK": [],
    "CLIENTS": [],
    "RATE_LIMITS": [],
    "ACCESS": DATA,
    "ISSUER": DATA,
    "PRODUCTS": ["/api/products", "/api/orders"],
    "CATALOGUE": ["/api/products"],
    "ORDERS": ["/api/orders"],
    "TICKETS": ["/api/tickets"],
    "CONVERSATIONS": ["/api/ai/{+path}"],
    "ORDER_TOOLS": ["/api/ai/{+path}"],
    "OPENAI": ["/api/ai/start", "/api/ai/message"],
    "BEDROCK": ["/api/ai/bedrock/start", "/api/ai/bedrock/message"],
    "AZURE": [],
}
REFERENCES = sorted({each for it in DEPENDENCIES.values() for each in it.affects})


@pytest.fixture(scope="module")
def health() -> Health:
    """Provide the health of a process whose application was created."""
    process = Runtime.begin(SETTINGS)
    create_app(SETTINGS, process=process)
    return process.health


def test_each_dependency_names_its_affected_paths(health: Health) -> None:
    assert {name: health.affected(it) for name, it in DEPENDENCIES.items()} == EXPECTED


def test_a_report_has_the_paths(health: Health) -> None:
    health.expect(state.CONVERSATIONS)

    check = alive(health).report.checks[state.CONVERSATIONS.key][0]

    assert check.affected_endpoints == ["/api/ai/{+path}"]


@pytest.mark.parametrize("reference", REFERENCES)
def test_what_a_dependency_affects_is_an_operation_or_a_router(reference: str) -> None:
    routes = [route for router in ROUTERS for route in router.routes]
    operations = [
        route.name for route in routes if isinstance(route, APIRoute) and route.include_in_schema
    ]
    tags = [tag for router in ROUTERS for tag in router.tags if router.prefix]

    # A name must not occur twice.
    assert [*operations, *tags].count(reference) == 1
