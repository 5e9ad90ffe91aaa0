"""The application: its lifespan, its middleware, its routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from cloudmart.access.guarded_route import check_rights
from cloudmart.ai.router import router as assistants
from cloudmart.api_docs.document import DocumentedApp
from cloudmart.api_docs.operations import OperationList, install_not_found
from cloudmart.api_docs.pages import config_router, pages_router
from cloudmart.api_docs.router import problems
from cloudmart.api_docs.router import router as discovery
from cloudmart.composition.clients import OpenProviders, open_counter
from cloudmart.composition.middleware import NO_TELEMETRY, add_middleware
from cloudmart.composition.providers import open_providers
from cloudmart.composition.runtime import Runtime
from cloudmart.composition.services import open_service
from cloudmart.composition.tracing import choose_tracing, open_tracing
from cloudmart.health.router import affected_paths
from cloudmart.health.router import router as health
from cloudmart.http import problem
from cloudmart.http.dependencies import AppState
from cloudmart.observability.exposition import metrics_route
from cloudmart.orders.router import router as orders
from cloudmart.pipeline.opening import OpenPipeline, open_pipeline
from cloudmart.pipeline.router import router as pipeline
from cloudmart.products.router import router as products
from cloudmart.rates.route_class import (
    ClassifiedRouter,
    RouteClass,
    RouteClasses,
    route_entries,
)
from cloudmart.settings import Environment, Settings
from cloudmart.tickets.router import router as tickets

_DESCRIPTION = (
    "Every error is an `application/problem+json` (RFC 9457) with a sentence in `detail` and in "
    "`error`, and a `type` that answers with an explanation. Every answer carries the request's "
    "id in `X-Request-ID`.\n\n"
    "Lists are JSON arrays. Without `limit` they are complete. With it they come page by page, and "
    "`Link` names the next page."
)
ROUTERS = (products, orders, tickets, assistants, pipeline, problems, discovery, health)
TAGS = [
    {"name": "products", "description": "The catalogue."},
    {"name": "orders", "description": "Placing orders, and following them."},
    {"name": "tickets", "description": "Customers' questions, and chats that have ended."},
    {"name": "assistants", "description": "Chats with the shop's assistants, and their end."},
    {"name": "pipeline", "description": "How orders get to BigQuery."},
    {"name": "problems", "description": "What each kind of error means."},
    {"name": "discovery", "description": "The list of operations."},
    {"name": "health", "description": "The service's health, for probes and for people."},
]


def _servers(settings: Settings) -> list[dict[str, str]]:
    """Return the API's servers: the first is the one that the document was read from."""
    public = settings.public_base
    return [{"url": "/"}, *([{"url": public, "description": "The shop"}] if public else [])]


def create_app(
    settings: Settings,
    open_providers: OpenProviders = open_providers,
    *,
    process: Runtime | None = None,
    open_pipeline: OpenPipeline = open_pipeline,
) -> DocumentedApp:
    """Return the application for some settings; nothing is opened before its lifespan."""
    process = process or Runtime.begin(settings)
    process.health.paths = affected_paths(ROUTERS)
    counter = open_counter(settings, process.health)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[AppState]:
        opening = open_service(settings, process, counter, open_providers, open_pipeline)
        sending = open_tracing(tracing, settings.tracing, process.health.release)
        async with sending, opening as services:
            yield {"services": services | {OperationList: operation_list}}

    app = DocumentedApp(
        title="CloudMart",
        summary="The shop's API: products, orders and support tickets.",
        description=_DESCRIPTION,
        version=version("cloudmart"),
        license_info={"name": "MIT", "identifier": "MIT"},
        servers=_servers(settings),
        openapi_tags=TAGS,
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
    )
    app.access = settings.access
    operation_list = OperationList(app.openapi)
    problem.install_problem_handlers(app)
    install_not_found(app, operation_list)
    routers = [
        *_metrics_routers(settings),
        *ROUTERS,
        config_router(settings.public_base),
        pages_router(app, settings.public_base_url),
    ]
    for router in routers:
        # Included, each route would be built a second time, and looked for twice at each request.
        app.router.routes.extend(router.routes)
    check_rights(app.routes)
    app.classes = RouteClasses.of_routers(routers)
    app.classes.check(app.routes)
    templates = {route.path for _, route in route_entries(app.routes) if route.path}
    tracing = choose_tracing(settings.tracing, templates)
    add_middleware(app, settings, process.health, counter, app.classes, tracing=tracing)
    return app


def _metrics_routers(settings: Settings) -> list[ClassifiedRouter]:
    """Return the application for the metrics, which have a separate port outside local mode."""
    if settings.environment is not Environment.LOCAL:
        return []
    return [ClassifiedRouter(counts_as=RouteClass.FREE, routes=[metrics_route()])]
