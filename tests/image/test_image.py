"""The image: its content, and that it serves although it can write to `/tmp` only."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import pytest

from cloudmart.settings import Settings
from tests.image import engine
from tests.image.engine import BASE, Container
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.serve_process import environment, free_port

pytestmark = pytest.mark.image

COMMIT = "9fceb02d0ae598e95dc970b74767f19372d61af8"
RELEASE = {"VERSION": "1.4.0", "COMMIT": COMMIT}
MOST = {"service": 220, "lambda": 220, "dev": 350}
"""How many megabytes an image may add to its base. Local mode's also has moto and DuckDB."""

_PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Shop:
    """A serving container, and a client of it."""

    container: Container
    client: httpx2.Client


@pytest.fixture(scope="session", params=["service", "dev"])
def image(request: pytest.FixtureRequest) -> str:
    """Provide the name of an image that was built from the Dockerfile."""
    engine.make_base()
    return engine.build(request.param, **RELEASE)


@pytest.fixture
def shop(image: str, stocked: Settings) -> Iterator[Shop]:
    """Provide a shop of either image; `service` uses the DynamoDB of the tests."""
    with _serving(image, stocked) as shop:
        yield shop


@contextmanager
def _serving(image: str, settings: Settings) -> Iterator[Shop]:
    port = free_port()
    environ = {
        name: value
        for name, value in environment(settings).items()
        if name.startswith(("AWS_ENDPOINT_URL_", "AWS_ACCESS_KEY", "AWS_SECRET", "DYNAMODB_"))
    }
    environ |= {
        "AWS_REGION": "us-east-1",
        "ENVIRONMENT": "local",
        "METRICS_PORT": str(free_port()),
        "PORT": str(port),
    }
    with (
        engine.container(image, **environ) as container,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        deadline = time.monotonic() + _PATIENCE
        while not _ready(client):
            assert time.monotonic() < deadline, container.log()
            time.sleep(0.1)
        yield Shop(container, client)


def _ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/ready").status_code == 200
    except httpx2.TransportError:
        return False


@pytest.mark.parametrize("image", ["service", "dev", "lambda"], indirect=True)
def test_the_layers_above_the_base_are_small(
    image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    size = (engine.inspect(image)["Size"] - engine.inspect(BASE)["Size"]) / 10**6

    with capsys.disabled():
        print(f"\n{image}: {size:.0f} MB above the base", end=" ")  # noqa: T201
    assert size <= next(most for target, most in MOST.items() if target in image)


def test_its_labels_and_configuration_are_right(image: str) -> None:
    told = engine.inspect(image)

    labels = {name.rpartition(".")[2]: text for name, text in told["Labels"].items()}
    config = told["Config"]
    assert labels.items() >= {"version": "1.4.0", "revision": COMMIT, "licenses": "MIT"}.items()
    assert config["User"] == "1001:1001"
    assert config["Entrypoint"] == ["cloudmart"]
    assert "5000/tcp" in config["ExposedPorts"]
    assert told["Healthcheck"]["Test"] == ["CMD", "python", "-m", "cloudmart.health.ping"]


def test_its_sqlite_can_search_the_help(shop: Shop) -> None:
    thread = shop.client.post("/api/ai/start").json()["threadId"]
    asked = {"threadId": thread, "message": "How long does shipping take?"}

    answer = shop.client.post("/api/ai/message", json=asked).json()["response"]

    assert "Shipping" in answer
    assert "three to five working days" in answer


def test_it_serves_and_names_its_release(shop: Shop) -> None:
    http = shop.client
    health = http.get("/health").json()
    metrics = http.get("/metrics").text
    docs = [http.get(path).status_code for path in ("/docs", "/openapi.json", "/api")]
    order = http.post("/api/orders", json={"productId": "1", "quantity": 2})
    thread = http.post("/api/ai/start").json()["threadId"]
    asked = {"threadId": thread, "message": "Do you have a lamp?"}
    chat = http.post("/api/ai/message", json=asked)

    assert health["releaseId"] == "1.4.0+9fceb02d0ae5"
    assert f'cloudmart_build_info{{commit="{COMMIT}",version="1.4.0"}} 1.0' in metrics
    assert docs == [200, 200, 200]
    assert order.status_code == 201
    assert http.get(f"/api/orders/{order.json()['id']}").json() == order.json()
    assert chat.status_code == 200
    assert "lamp" in chat.json()["response"].lower()


def test_it_runs_as_a_user_without_rights(shop: Shop) -> None:
    user, capabilities = shop.container.run("sh", "-c", "id -u; grep CapEff /proc/1/status").split(
        "\n", 1
    )

    assert user == "1001"
    assert int(capabilities.split()[1], 16) == 0


def test_it_can_write_to_tmp_only(shop: Shop) -> None:
    places = "/ /etc /home /opt/cloudmart /srv /tmp /usr /var"
    attempt = f"for each in {places}; do touch $each/probe 2>/dev/null && echo $each; done; true"

    assert shop.container.run("sh", "-c", attempt).split() == ["/tmp"]  # noqa: S108 - the one


def test_it_has_certificates_and_neither_pip_nor_a_compiler_nor_a_source_tree(shop: Shop) -> None:
    names = "ls /usr/local/bin | grep pip; command -v gcc cc; ls /build /code 2>/dev/null; true"
    told = shop.container.run("sh", "-c", names)
    python = shop.container.run(
        "python",
        "-c",
        "import importlib.util as u, ssl; "
        "print(u.find_spec('pip'), len(ssl.create_default_context().get_ca_certs()))",
    )

    assert told == ""
    assert python.split()[0] == "None"
    assert int(python.split()[1]) > 50


def test_its_health_check_shows_whether_it_is_ready(shop: Shop) -> None:
    said = shop.container.run("python", "-m", "cloudmart.health.ping")

    assert '"serviceId":"cloudmart-backend"' in said


@pytest.mark.parametrize("image", ["service"], indirect=True)
def test_a_request_that_runs_at_sigterm_is_answered(
    faults: FaultProxy, image: str, stocked: Settings
) -> None:
    with _serving(image, stocked) as shop:
        faults.hanging.clear()
        faults.fail(Fault.HANG, "GetItem")
        answers: list[httpx2.Response] = []
        slow = threading.Thread(target=lambda: answers.append(shop.client.get("/api/products/1")))
        slow.start()
        assert faults.hanging.wait(60)
        shop.container.signal("TERM")
        faults.heal()
        slow.join()
        code = shop.container.ended()

    assert [answer.status_code for answer in answers] == [200]
    assert code == 0


@pytest.mark.parametrize("image", ["dev"], indirect=True)
def test_the_local_shop_ends_at_sigterm_with_a_message(shop: Shop) -> None:
    shop.container.signal("TERM")

    assert shop.container.ended() == 0
    assert shop.container.log().endswith("Stopped. The data is gone.\n")
