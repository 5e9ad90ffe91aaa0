"""The metrics as Prometheus reads them, by its own client."""

from prometheus_client import make_asgi_app
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send


class MetricsEndpoint:
    """Every metric, in the format that is asked for; a class, since routes call functions."""

    def __init__(self) -> None:
        self._app = make_asgi_app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._app(scope, receive, send)


def metrics_route() -> Route:
    """Return the route of the metrics, for GET and HEAD."""
    return Route("/metrics", MetricsEndpoint(), methods=["GET"], include_in_schema=False)


def metrics_app() -> Starlette:
    """Return the application for a separate port."""
    return Starlette(routes=[metrics_route()])
