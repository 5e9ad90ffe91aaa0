"""What endpoints get that needs nothing but their request."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.testclient import TestClient

from cloudmart.composition.middleware import Admission, RequestContext
from cloudmart.http.dependencies import FromRequest
from cloudmart.http.json_route import JsonRoute


class Unsolved(FromRequest[str]):
    """A dependency that FastAPI must not call."""

    async def __call__(self, request: Request) -> str:
        """Fail."""
        raise AssertionError(request.url.path)


def _agent(request: Request) -> str:
    return request.headers["user-agent"]


Agent = Annotated[str, Depends(Unsolved(_agent))]


async def name_agent(number: int, agent: Agent) -> list[Any]:
    """Return the caller and the number."""
    return [number, agent]


async def name_method(request: Request, agent: Agent) -> list[Any]:
    """Return the caller and the method."""
    return [request.method, agent]


async def say_nothing() -> list[Any]:
    """Take nothing."""
    return []


def application(route_class: type[JsonRoute]) -> FastAPI:
    """Return an application with a route for each endpoint."""
    router = APIRouter(route_class=route_class)
    router.get("/agents/{number}")(name_agent)
    router.get("/methods")(name_method)
    router.get("/nothing")(say_nothing)
    app = FastAPI()
    app.include_router(router)
    return app


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/agents/7", [7, "somebody"]),
        ("/methods", ["GET", "somebody"]),
        ("/nothing", []),
    ],
)
def test_what_is_only_read_from_the_request_is_read_without_fastapi(
    path: str, answer: list[Any]
) -> None:
    app = RequestContext(application(JsonRoute), admission=Admission(requests=1, chats=1))
    client = TestClient(app, headers={"User-Agent": "somebody"})

    assert client.get(path).json() == answer


def test_it_is_not_a_parameter_in_the_document() -> None:
    document = application(JsonRoute).openapi()

    operation = document["paths"]["/agents/{number}"]["get"]
    assert [each["name"] for each in operation["parameters"]] == ["number"]
    assert operation["description"] == "Return the caller and the number."
    assert "parameters" not in document["paths"]["/methods"]["get"]
