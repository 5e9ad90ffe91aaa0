"""`cloudmart verify` in its own process: its output, its end, and what it never shows."""

import json
import os
import pty
import signal
import socket
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from select import select
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from cloudmart.cli.commands import app
from cloudmart.cli.verify import TOKEN
from cloudmart.settings import Settings
from cloudmart.verify.credentials import is_private_host
from tests.access.conftest import ADMIN, BASIC, PASSWORD
from tests.support.breaking_proxy import Break, BreakingProxy, breaking_proxy
from tests.support.cli_process import Ended, running
from tests.support.live_server import served
from tests.support.scripted_server import Reply, Request, loopback
from tests.verify.test_shops import kept

VERIFY = ("-m", "cloudmart", "verify")


def verified(*arguments: str, **environ: str) -> Ended:
    """Run the command in this process, which is much faster."""
    ended = CliRunner().invoke(app, ["verify", *arguments], env=environ)
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def test_a_shop_that_is_well_ends_with_0_and_plain_lines(shop_url: str) -> None:
    with running(*VERIFY, shop_url) as command:
        ended = command.ended()

    lines = ended.out.splitlines()
    assert (ended.code, ended.err) == (0, "")
    assert "\x1b" not in ended.out
    assert lines[0].startswith("pass    name-resolves: 127.0.0.1 is 127.0.0.1 (")
    assert "pass    nothing-left-behind: all that was made is removed" in lines
    assert lines[-1].endswith("skip.")


def test_a_failure_ends_with_1_and_says_what_to_do_first(shop_url: str) -> None:
    with breaking_proxy(shop_url) as proxy:
        proxy.break_operation("GET", "/api/products/{product_id}", Break.CRASH)
        ended = verified(proxy.url)

    assert ended.code == 1
    assert "fail    product-read: pod: GET /api/products/verify0unknown0x answered 500" in ended.out
    assert "Do this first:\n  1. Look for the request's id in the pods' logs" in ended.out


def test_programs_get_json_alone_and_a_file_of_junit(shop_url: str, tmp_path: Path) -> None:
    with running(*VERIFY, shop_url, "--json", "--junit", str(tmp_path / "verify.xml")) as command:
        ended = command.ended()

    document = json.loads(ended.out)
    assert (ended.code, ended.err, document["exit"]) == (0, "", 0)
    placed = next(each for each in document["findings"] if each["id"] == "order-placed")
    assert (placed["status"], placed["layer"], placed["seconds"] > 0) == ("pass", "", True)
    suites = ET.parse(tmp_path / "verify.xml").getroot()  # noqa: S314 - our own
    case = suites.find("testsuite/testcase[@name='order-placed']")
    assert case is not None
    assert float(case.get("time", "0")) > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["shop.example.com"],
        ["ftp://shop.example.com"],
        ["https://shop.example.com/api"],
        ["https://ann@shop.example.com"],
        ["https://"],
        ["http://127.0.0.1:1", "--junit", "/nowhere/verify.xml"],
        ["http://127.0.0.1:1", "--never"],
        [],
    ],
)
def test_wrong_arguments_end_with_2(arguments: list[str]) -> None:
    ended = CliRunner().invoke(app, ["verify", *arguments])

    assert ended.exit_code == 2
    assert "Traceback" not in ended.output


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "all_proxy"])
def test_an_unusable_proxy_is_reported_with_its_variable(variable: str) -> None:
    environ = {variable: "socks5://ann:password@127.0.0.1:1"}

    ended = verified("http://127.0.0.1:1", **environ)

    assert ended.code == 2
    assert f"The variable {variable} names a SOCKS proxy" in ended.err
    assert "password" not in ended.err


def test_on_a_terminal_there_are_colours(shop_url: str) -> None:
    master, slave = pty.openpty()
    program = (
        f"import os, sys; os.dup2(os.open({os.ttyname(slave)!r}, os.O_WRONLY | os.O_NOCTTY), 1)\n"
        f"sys.argv = ['cloudmart', 'verify', {shop_url!r}]\n"
        "from cloudmart.__main__ import main; main()"
    )
    with running("-c", program, TERM="xterm-256color", COLUMNS="100") as command:
        shown = b""
        while b" skip." not in shown and select([master], [], [], 60)[0]:
            shown += os.read(master, 65_536)
        ended = command.ended()
    os.close(slave)
    os.close(master)

    assert ended.code == 0, ended.err
    assert b"\x1b[32mpass" in shown


@pytest.fixture
def proxy(shop_url: str) -> Iterator[BreakingProxy]:
    """Provide a proxy in front of a shop."""
    with breaking_proxy(shop_url) as proxy:
        yield proxy


BROKEN_OFF = [
    (signal.SIGINT, "PUT", "/api/orders/{order_id}", Break.HANG, b"Processing"),
    (signal.SIGINT, "POST", "/api/orders", Break.LATE, b'"quantity":2'),
    (signal.SIGTERM, "POST", "/api/products", Break.LATE, b"please ignore"),
    (signal.SIGHUP, "POST", "/api/tickets", Break.LATE, b"please ignore"),
]


@pytest.mark.parametrize("broken", BROKEN_OFF, ids=lambda broken: f"{broken[0].name} {broken[2]}")
def test_whatever_ends_it_leaves_nothing_of_it_in_the_shop(
    proxy: BreakingProxy,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
    broken: tuple[signal.Signals, str, str, Break, bytes],
) -> None:
    before = kept(dynamodb, shared_settings)
    number, method, path, how, holding = broken
    proxy.break_operation(method, path, how, holding=holding)

    with running(*VERIFY, proxy.url) as command:
        assert proxy.hanging.wait(30)
        proxy.heal()
        command.send(number)
        ended = command.ended()

    assert ended.code == 128 + number, ended.err
    assert "nothing-left-behind: all that was made is removed" in ended.out
    assert kept(dynamodb, shared_settings) == before


def test_after_a_second_ctrl_c_it_lists_what_is_left(
    proxy: BreakingProxy,
) -> None:
    proxy.break_operation("PUT", "/api/orders/{order_id}", Break.HANG, after=1)
    proxy.break_operation("DELETE", "/api/orders/{order_id}", Break.HANG, after=1)

    with running(*VERIFY, proxy.url) as command:
        for _ in range(2):
            assert proxy.hanging.wait(30)
            proxy.hanging.clear()
            command.send(signal.SIGINT)
        ended = command.ended()

    key = ended.out.rpartition("order-placed: order ")[2].split()[0]
    assert ended.code == 130
    assert f"; order {key}" in ended.out.partition("not removed: product ")[2]


def test_an_administrator_signs_in_by_the_environment(shared_settings: Settings) -> None:
    with served(shared_settings.model_copy(update={"access": BASIC})) as url:
        ended = verified(url, "--admin", VERIFY_USER=ADMIN[0], VERIFY_PASSWORD=PASSWORD)
        asked = verified(url, "--admin")

    assert ended.code == 0, ended.out
    assert "pass    signed-in: the credentials are an administrator's" in ended.out
    assert asked.code == 2
    assert "set VERIFY_USER and VERIFY_PASSWORD, or VERIFY_TOKEN" in asked.err


def test_credentials_are_never_shown_even_where_the_server_sends_them_back() -> None:
    token = "header.a-token-that-nobody-shows.signature"  # noqa: S105 - a test's own
    pair = b64encode(f"ann:{PASSWORD}".encode()).decode()

    def echo(request: Request) -> Reply:
        sent = request.headers.get("authorization", "")
        status = 500 if sent else 401
        headers = {"X-Request-ID": request.headers.get("x-request-id", "")}
        known = PASSWORD if sent.startswith("Basic") else ""
        body = {"type": "/api/problems/unauthorized", "error": f"{sent} {known}"}
        return Reply(
            status, headers | {"Content-Type": "application/json"}, [json.dumps(body).encode()]
        )

    with loopback() as server:
        server.answer = echo
        by_token = verified(server.url, "--admin", VERIFY_TOKEN=token)
        by_name = verified(
            server.url, "--admin", "--json", VERIFY_USER="ann", VERIFY_PASSWORD=PASSWORD
        )

    assert "signed-in: pod: GET /api/orders?limit=1 answered 500" in by_token.out
    for ended in (by_token, by_name):
        for secret in (token, PASSWORD, pair):
            assert secret not in ended.out + ended.err
            # A character outside ASCII may be printed in another form.
            assert secret[:20] not in ended.out


def test_credentials_cross_no_internet_as_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "a-token")

    with loopback() as server:
        server.answer = lambda _: Reply(401, {}, [b""])
        port = int(server.url.rpartition(":")[2])
        here = socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: here)
        ended = CliRunner().invoke(app, ["verify", f"http://shop.example.com:{port}", "--admin"])

    assert ended.exit_code == 2
    assert "shop.example.com as plain text: use https://" in ended.output
    assert all("authorization" not in each.headers for each in server.requests)


@pytest.mark.parametrize(
    ("host", "private"),
    [
        *(("127.0.0.1", True), ("10.0.3.7", True), ("::1", True), ("localhost", True)),
        *(("cloudmart-backend", True), ("cloudmart-backend.default.svc", True)),
        *(("shop.example.com", False), ("203.0.114.7", False)),
    ],
)
def test_a_private_host_is_distinguished_from_one_on_the_internet(
    host: str, *, private: bool
) -> None:
    assert is_private_host(host) is private
