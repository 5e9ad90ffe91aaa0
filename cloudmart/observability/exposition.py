"""The metrics as Prometheus reads them."""

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/metrics"


async def expose(request: Request) -> Response:
    """Answer every metric, in the format that is asked for."""
    encode, kind = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(REGISTRY), headers={"Content-Type": kind})


def metrics_app() -> Starlette:
    """Return the application for a port of their own."""
    return Starlette(routes=[Route(PATH, expose)])
