"""`cloudmart dev`."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from shutil import which

import httpx2
import pytest

from tests.cli.conftest import Cloudmart
from tests.support.cli_process import Command, running
from tests.support.readme import Exchange, answer, session, steady

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what a container needs
README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

_TELLING_WHEN_IT_IMPORTS = """
import sys

class Teller:
    def find_spec(name, path, target=None):
        if name == "cloudmart.app":
            print("importing", flush=True)

sys.meta_path.insert(0, Teller)
from cloudmart.__main__ import main
main()
"""


class Trap:
    """A listener on loopback that counts connections."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.visits = 0
        threading.Thread(target=self._count, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()


@dataclass(frozen=True, slots=True)
class Shop:
    """A running shop, on a machine that is configured for a cloud."""

    home: str
    banner: str
    cloud: Trap


@contextmanager
def _open(*options: str, **environ: str) -> Iterator[tuple[Command, str, str]]:
    with running("-m", "cloudmart", "dev", "--port", "0", *options, **environ) as command:
        banner = command.read_until("The data is in memory")
        (home,) = {word.removesuffix("/api") for word in banner.split() if word.endswith("/api")}
        yield command, home, banner


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """Provide a running shop."""
    trap = Trap()
    cloud = f"http://127.0.0.1:{trap.port}"
    person = {
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL": cloud,
        "AWS_ENDPOINT_URL_DYNAMODB": cloud,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{cloud}/credentials",
        "AWS_REGION": "eu-central-1",
        "HTTP_PROXY": cloud,
        "http_proxy": cloud,
    }
    with _open(**person) as (_, home, banner):
        yield Shop(home, banner, trap)
    trap.close()


def test_it_says_where_the_shop_is_and_that_its_data_will_not_last(shop: Shop) -> None:
    assert shop.banner == (
        "CloudMart is running.\n"
        "\n"
        f"  API        {shop.home}/api\n"
        f"  Docs       {shop.home}/docs\n"
        "  Catalogue  24 sample products\n"
        "\n"
        "The data is in memory only. Ctrl-C stops the shop and deletes it.\n"
    )


def test_what_it_points_to_is_there(shop: Shop) -> None:
    with httpx2.Client(base_url=shop.home, timeout=60, trust_env=False) as http:
        answers = [http.get(path) for path in ("/api", "/docs", "/api/products")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(answers[2].json()) == 24


def test_it_goes_to_no_cloud_and_no_proxy(shop: Shop) -> None:
    with httpx2.Client(base_url=shop.home, timeout=60, trust_env=False) as http:
        answer = http.post("/api/orders", json={"productId": "1", "quantity": 1})

    assert answer.status_code == 201
    assert shop.cloud.visits == 0


def test_it_listens_on_loopback_by_default(shop: Shop) -> None:
    port = int(shop.home.rpartition(":")[2])

    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port)):
        pass


def test_it_listens_on_the_loopback_of_both_families(shop: Shop) -> None:
    port = int(shop.home.rpartition(":")[2])
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")

    answer = httpx2.get(f"http://[::1]:{port}/livez", timeout=60, trust_env=False)

    assert answer.status_code == 200


def test_a_container_reaches_it_at_every_address_it_has() -> None:
    with _open("--empty", "--host", EVERYWHERE) as (_, home, _):
        port = int(home.removeprefix("http://127.0.0.1:"))
        answer = httpx2.get(f"http://127.0.0.2:{port}/api/products", timeout=60, trust_env=False)

    assert answer.json() == []


def test_an_address_of_another_machine_is_reported(cloudmart: Cloudmart) -> None:
    result = cloudmart("dev", "--host", "192.0.2.1", "--port", "0")

    assert result.exit_code == 1
    assert result.stderr == (
        "CloudMart cannot listen at 192.0.2.1: Cannot assign requested address.\n"
    )


@pytest.mark.skipif(which("curl") is None, reason="the README's session needs curl")
@pytest.mark.parametrize("exchange", session(README), ids=lambda exchange: exchange.command[:60])
def test_the_readme_shows_what_the_shop_answers(shop: Shop, exchange: Exchange) -> None:
    output = answer(exchange.command, shop.home)

    assert steady(output) == steady(exchange.output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_whoever_is_connected(number: signal.Signals) -> None:
    with _open("--empty") as (command, home, banner):
        visitors = [HTTPConnection(home.removeprefix("http://")) for _ in range(3)]
        for visitor in visitors:
            visitor.request("GET", "/api/products")
            assert visitor.getresponse().read() == b"[]"

        command.send(number)
        ended = command.ended()

    for visitor in visitors:
        visitor.close()
    assert "Catalogue  empty" in banner
    assert (ended.code, ended.out) == (0, "Stopped. The data is gone.\n")
    assert "Traceback" not in ended.err
    assert "uvicorn" not in ended.err


def test_ctrl_c_during_the_imports_prints_no_traceback() -> None:
    with running("-c", _TELLING_WHEN_IT_IMPORTS) as command:
        command.read_until("importing")
        command.send(signal.SIGINT)
        ended = command.ended()

    assert (ended.code, ended.err) == (130, "")


def test_a_port_in_use_is_reported_with_a_way_out(cloudmart: Cloudmart) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        result = cloudmart("dev", "--port", port)

    assert result.exit_code == 1
    assert result.stderr == (
        f"Port {port} is in use. Choose another: `cloudmart dev --port {port + 1}`, "
        f"or `make dev PORT={port + 1}`.\n"
    )


def test_the_port_may_come_from_the_environment(
    cloudmart: Cloudmart, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))

        result = cloudmart("dev")

    assert result.stderr.startswith(f"Port {port} is in use.")


def test_a_missing_extra_is_reported_with_what_to_install() -> None:
    without = "import sys; sys.modules['flask'] = None; sys.argv = ['cloudmart', 'dev']; "

    with running("-c", f"{without} from cloudmart.__main__ import main; main()", PORT="0") as it:
        ended = it.ended()

    assert ended.code == 1
    assert ended.err == (
        "`cloudmart dev` needs flask, which is not installed. "
        "Install CloudMart with the extra `local`: pip install 'cloudmart[local]'\n"
    )
