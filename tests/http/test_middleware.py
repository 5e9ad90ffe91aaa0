"""Around every request: its id, its metrics, its headers for other origins, its last error."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from cloudmart.app import create_app
from cloudmart.composition.middleware import MOST_PARAMETERS
from cloudmart.settings import Settings
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.problems import is_problem
from tests.support.ready_app import serving, still

ORIGIN = {"Origin": "http://localhost:5173"}
JSON = {"Content-Type": "application/json"}
EXPOSED = {"Link", "Location", "Retry-After", "X-Request-ID"}


@pytest.fixture
def client(faults: FaultProxy, settings: Settings) -> Any:  # noqa: ANN401 - a generator
    """Provide a client of an application behind the proxy."""
    assert faults.port
    with serving(create_app(settings, process=still(settings))) as client:
        yield client


def test_every_answer_may_be_read_by_another_origin_in_local_mode(
    faults: FaultProxy, client: TestClient
) -> None:
    answers = [
        client.get("/api/products", headers=ORIGIN),
        client.get("/api/nowhere", headers=ORIGIN),
        client.patch("/api/products/1", headers=ORIGIN),
        client.post("/api/products", content=b"{", headers=ORIGIN | JSON),
        client.post("/api/products", content=b" " * 2**21, headers=ORIGIN | JSON),
        client.post("/api/products", content=b"{}", headers=ORIGIN),
        client.post("/api/products", json={}, headers=ORIGIN),
    ]
    faults.fail(Fault.DENIED, "Scan")
    answers.append(client.get("/api/products", headers=ORIGIN))
    faults.fail(Fault.UNHEARD_OF, "GetItem")
    answers.append(client.get("/api/products/1", headers=ORIGIN))

    assert [answer.status_code for answer in answers] == [
        *(200, 404, 405, 400, 413, 415, 422, 503, 500)
    ]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) >= EXPOSED
        assert answer.headers["X-Request-ID"]


def test_another_origin_may_ask_which_headers_it_may_send(client: TestClient) -> None:
    asked = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,idempotency-key",
    }

    answer = client.options("/api/orders/1", headers=ORIGIN | asked)

    assert answer.status_code == 200
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert "idempotency-key" in answer.headers["Access-Control-Allow-Headers"].lower()


def test_an_unexpected_error_is_logged_with_its_request_and_answered_without_details(
    faults: FaultProxy, client: TestClient
) -> None:
    faults.fail(Fault.UNHEARD_OF, "GetItem")

    with capture_logs() as logs:
        answer = client.get("/api/orders/ab12cd34", headers={"X-Request-ID": "it-was-me"})

    assert answer.status_code == 500
    assert answer.json() == {
        "type": "/api/problems/internal-error",
        "title": "Internal error",
        "status": 500,
        "detail": "Something went wrong on our side. The request id helps us find it.",
        "instance": "/api/orders/ab12cd34",
        "requestId": "it-was-me",
        "error": "Something went wrong on our side. The request id helps us find it.",
    }
    (line,) = [line for line in logs if line["event"] == "request_failed"]
    assert (line["log_level"], line["method"]) == ("error", "GET")
    assert line["route"] == "/api/orders/{order_id}"
    assert line["exc_info"] is True


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/api/orders/ab12cd34", ("GET", "/api/orders/{order_id}", "404")),
        ("GET", "/api/nowhere/ann@example.org", ("GET", "unknown", "404")),
        ("BREW", "/api/nowhere", ("other", "unknown", "404")),
        ("GET", "/api/products", ("GET", "/api/products", "200")),
    ],
)
def test_requests_are_measured_by_route_and_never_by_what_they_name(
    method: str, path: str, labels: tuple[str, str, str], shared_client: TestClient
) -> None:
    before = _measured(labels)

    shared_client.request(method, path)

    assert _measured(labels) == before + 1


def _measured(labels: tuple[str, str, str]) -> float:
    named = dict(zip(("method", "route", "status"), labels, strict=True))
    name = "cloudmart_http_request_duration_seconds_count"
    return REGISTRY.get_sample_value(name, named) or 0


@pytest.mark.parametrize("path", ["/health", "/api/products", "/docs", "/nowhere"])
def test_a_query_out_of_all_proportion_is_refused(path: str, client: TestClient) -> None:
    few, many = ("&".join(["a=b"] * number) for number in (MOST_PARAMETERS, MOST_PARAMETERS + 1))

    assert client.get(f"{path}?{few}").status_code in {200, 404}
    assert "more than 100 parameters" in is_problem(client.get(f"{path}?{many}"), 422)["error"]
