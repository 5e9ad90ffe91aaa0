"""The connection to a shop: its name, a port, its certificate; and servers that are no shop."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloudmart.findings.finding import CheckStatus
from cloudmart.verify.shop_client import ShopClient
from cloudmart.verify.step import StepFinding
from tests.support.breaking_proxy import breaking_proxy
from tests.support.certificates import certified
from tests.support.scripted_server import Reply, loopback
from tests.support.serve_process import free_port
from tests.verify.conftest import failed, tried


def only_failure(findings: dict[str, StepFinding]) -> StepFinding:
    """Return the one failure, and check that no request followed it."""
    (finding,) = failed(findings).values()
    asked = {"health-answers", "products-listed", "order-placed"}
    assert {findings[key].status for key in asked} == {CheckStatus.SKIP}
    assert findings["nothing-left-behind"].status is CheckStatus.PASS
    return finding


def test_an_unknown_name_is_a_fault_of_dns() -> None:
    finding = only_failure(tried(ShopClient("https://shop.invalid")))

    assert (finding.id, finding.layer) == ("name-resolves", "DNS")
    assert "shop.invalid is not known in DNS" in finding.observed
    assert "kubectl get ingress" in finding.fix


def test_a_port_on_which_nobody_listens_is_a_fault_of_the_balancer() -> None:
    finding = only_failure(tried(ShopClient(f"http://127.0.0.1:{free_port()}")))

    assert (finding.id, finding.layer) == ("address-connects", "balancer")
    assert "Connection refused" in finding.observed


@pytest.mark.parametrize(
    ("days", "name", "trusted", "why"),
    [
        (90, "127.0.0.1", False, "self-signed certificate"),
        (-1, "127.0.0.1", True, "certificate has expired"),
        (90, "shop.example.com", True, "IP address mismatch"),
    ],
)
def test_a_certificate_that_browsers_refuse_is_a_fault_of_tls(  # noqa: PLR0913
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: int,
    name: str,
    *,
    trusted: bool,
    why: str,
) -> None:
    context = certified(tmp_path, days=days, name=name)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    with breaking_proxy("http://127.0.0.1:9", context) as proxy:
        finding = only_failure(tried(ShopClient(proxy.url)))

    assert (finding.id, finding.layer) == ("certificate-good", "TLS")
    assert why in finding.observed


def test_a_server_without_tls_is_a_fault_of_tls() -> None:
    with loopback() as server:
        finding = only_failure(tried(ShopClient(server.url.replace("http:", "https:"))))

    assert (finding.id, finding.layer) == ("certificate-good", "TLS")


@pytest.mark.parametrize(("days", "status"), [(90, CheckStatus.PASS), (20, CheckStatus.WARN)])
def test_a_certificate_that_ends_soon_is_a_warning(
    shop_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, status: CheckStatus
) -> None:
    context = certified(tmp_path, days=days)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    with breaking_proxy(shop_url, context) as proxy:
        findings = tried(ShopClient(proxy.url, 30))

    assert failed(findings) == {}
    assert findings["certificate-good"].status is status
    assert "TLSv1.3; the certificate is good until" in findings["certificate-good"].observed


def test_a_shop_without_a_dns_name_yet_is_called_at_its_load_balancer(
    shop_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certified(tmp_path, name="shop.invalid")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    with breaking_proxy(shop_url, context) as proxy:
        url = f"https://shop.invalid:{proxy.url.rpartition(':')[2]}"
        findings = tried(ShopClient(url, 30, address="127.0.0.1"))

    assert failed(findings) == {}
    assert findings["name-resolves"].observed == "127.0.0.1 is 127.0.0.1, asked for shop.invalid"
    assert {host.partition(":")[0] for host in proxy.hosts} == {"shop.invalid"}


def test_a_server_of_pages_is_not_a_shop_and_the_run_ends_after_three_steps() -> None:
    with loopback() as server:
        server.answer = lambda _: Reply(200, {"Content-Type": "text/html"}, [b"<h1>Hello</h1>"])
        findings = tried(ShopClient(server.url))

    assert {each.layer for each in failed(findings).values()} == {"balancer"}
    assert len(failed(findings)) == 3
    assert "not JSON, and no pod did: the rule for /api leads elsewhere" in (
        findings["health-answers"].observed
    )
    assert findings["products-listed"].observed == (
        "no pod answered in 3 steps: is this the shop's address?"
    )


def test_a_redirect_is_reported_with_its_target() -> None:
    with loopback() as server:
        there = {"Location": "https://shop.example.com/"}
        server.answer = lambda _: Reply(301, there, [b""])
        finding = tried(ShopClient(server.url))["health-answers"]

    assert "it leads to https://shop.example.com/. Verify that address." in finding.observed


@contextmanager
def silent_server() -> Iterator[str]:
    """Provide the address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_with_a_server_that_never_answers_the_run_ends_after_three_steps() -> None:
    with silent_server() as url:
        began = time.monotonic()
        findings = tried(ShopClient(url, 0.2))

    assert {each.layer for each in failed(findings).values()} == {"balancer"}
    assert len(failed(findings)) == 3
    assert findings["order-placed"].observed in {
        "3 steps in a row were not answered",
        "signed-in failed",
    }
    assert time.monotonic() - began < 30


def test_an_answer_without_end_is_cut_off() -> None:
    def drops() -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield b" "

    with loopback() as server:
        server.answer = lambda _: Reply(200, {}, drops())
        finding = tried(ShopClient(server.url, 0.2))["health-answers"]

    assert "no whole answer came in time" in finding.observed
