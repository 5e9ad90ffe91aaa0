"""The answers of the shop's routes while the store throttles, fails, hangs or is gone."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from cloudmart.app import create_app
from cloudmart.settings import Settings
from tests.support.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.support.live_server import served
from tests.support.routes import ROUTES, Route

INSIDE = re.compile(
    r"arn:|dynamodb|secret-table|Exception|Traceback|botocore|127\.0\.0\.1", re.IGNORECASE
)

UNAVAILABLE = {
    "type": "/api/problems/unavailable",
    "title": "Unavailable",
    "status": 503,
    "detail": "The shop's data store does not answer at the moment. Please try again.",
    "error": "The shop's data store does not answer at the moment. Please try again.",
}


@pytest.fixture(scope="module")
def proxy(engine: str) -> Iterator[FaultProxy]:
    """Provide a proxy for all tests."""
    with fault_proxy(engine) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def url(proxy: FaultProxy, shared_settings: Settings) -> Iterator[str]:
    """Provide the URL of a shop behind the proxy."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        with served(shared_settings) as url:
            yield url


@pytest.fixture(scope="module")
def hasty_url(proxy: FaultProxy, shared_settings: Settings) -> Iterator[str]:
    """Provide the URL of a shop with shorter time-outs than in production."""
    hasty = shared_settings.dynamodb.model_copy(update={"timeout": 1})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        with served(shared_settings.model_copy(update={"dynamodb": hasty})) as url:
            yield url


@pytest.fixture
def faults(proxy: FaultProxy) -> Iterator[FaultProxy]:
    """Provide the proxy without faults."""
    yield proxy
    proxy.heal()


@pytest_asyncio.fixture
async def shop(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Provide a client of the shop."""
    async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
        yield client


@pytest_asyncio.fixture
async def hasty(hasty_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Provide a client of the shop with short time-outs."""
    async with httpx2.AsyncClient(base_url=hasty_url, timeout=30) as client:
        yield client


async def _ask(shop: httpx2.AsyncClient, route: Route) -> httpx2.Response:
    return await shop.request(route.method, route.path("1"), json=route.body, headers=route.headers)


async def _ask_all(shop: httpx2.AsyncClient) -> dict[str, httpx2.Response]:
    answers = await asyncio.gather(*(_ask(shop, route) for route in ROUTES))
    return dict(zip(map(str, ROUTES), answers, strict=True))


def test_every_route_of_a_table_is_tried(shared_settings: Settings) -> None:
    document = create_app(shared_settings).openapi()

    documented = {
        (method.upper(), re.sub(r"\{\w+\}", "{id}", path))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if {"products", "orders", "tickets"} & set(operation["tags"])
    }
    assert {(route.method, route.template) for route in ROUTES} == documented


@pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault not in {Fault.UNPROCESSED, Fault.UNHEARD_OF}]
)
async def test_every_route_is_unavailable_in_time_and_says_when_to_come_back(
    fault: Fault, faults: FaultProxy, shop: httpx2.AsyncClient, hasty: httpx2.AsyncClient
) -> None:
    faults.fail(fault)

    # A store that hangs never answers. A call without a time-out would reach the client's.
    answers = await _ask_all(hasty if fault is Fault.HANG else shop)

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        answers, 503
    )
    for route in ROUTES:
        answer = answers[str(route)]
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"] == "2"
        assert answer.json() == UNAVAILABLE | {
            "instance": route.path("1").partition("?")[0],
            "requestId": answer.headers["X-Request-ID"],
        }
        assert not INSIDE.search(answer.text)


async def test_a_store_that_refuses_connections_is_used_again_once_it_is_back(
    faults: FaultProxy, shop: httpx2.AsyncClient
) -> None:
    faults.stop()
    away = await _ask_all(shop)

    faults.start()
    back = await _ask_all(shop)

    assert {answer.status_code for answer in away.values()} == {503}
    assert {answer.status_code for answer in back.values()} <= {200, 201, 404, 422}


@pytest.mark.parametrize("operation", ["BatchGetItem", "PutItem"])
@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.HANG])
async def test_an_order_is_unavailable_whichever_step_of_it_fails(
    operation: str,
    fault: Fault,
    faults: FaultProxy,
    shop: httpx2.AsyncClient,
    hasty: httpx2.AsyncClient,
) -> None:
    key = {"Idempotency-Key": f"{fault.name} {operation}"}
    order = Route("POST", "/api/orders", {"productId": "2", "quantity": 1}, headers=key)
    faults.fail(fault, operation)

    answer = await _ask(hasty if fault is Fault.HANG else shop, order)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    kettles = [one for one in await _orders(shop, faults) if one["total"] == 34.5]
    assert len(kettles) <= (operation == "PutItem" and fault is Fault.HANG)


async def _orders(shop: httpx2.AsyncClient, faults: FaultProxy) -> list[dict[str, Any]]:
    faults.heal()
    orders: list[dict[str, Any]] = (await shop.get("/api/orders")).json()
    return orders


async def test_one_temporary_failure_of_every_call_stays_hidden(
    faults: FaultProxy, shared_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A client that has seen many failures stops its retries, so this client is new.
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", faults.url)
    for operation in ("Scan", "Query", "GetItem", "PutItem", "UpdateItem", "DescribeTable"):
        faults.fail(Fault.THROTTLED, operation, times=1)

    with served(shared_settings) as url:
        async with httpx2.AsyncClient(base_url=url, timeout=30) as shop:
            answers = [await _ask(shop, route) for route in ROUTES]

    assert {answer.status_code for answer in answers} <= {200, 201, 404, 422}


async def test_an_unexpected_answer_is_a_problem_without_details(
    faults: FaultProxy, shop: httpx2.AsyncClient
) -> None:
    faults.fail(Fault.UNHEARD_OF)

    answers = await _ask_all(shop)

    assert {answer.status_code for answer in answers.values()} == {500}
    for answer in answers.values():
        assert answer.json()["type"] == "/api/problems/internal-error"
        assert answer.json()["requestId"] == answer.headers["X-Request-ID"]
        assert not INSIDE.search(answer.text)
