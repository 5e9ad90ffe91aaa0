"""Listening on addresses of both families."""

import errno
import os
import socket
from pathlib import Path

import httpx2
import pytest

from cloudmart.server.listen import (
    LOOPBACK,
    CannotListenError,
    PortTakenError,
    bind_all,
    bound_sockets,
)
from cloudmart.settings import Settings
from tests.support.echo_app import Echo, echoing
from tests.support.raw_http import send
from tests.support.serve_process import environment, free_port, serving_process

LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="needs IPv6")


def _without_ipv6(family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
    """Behave like a kernel that was started with `ipv6.disable=1`."""
    if family == socket.AF_INET6:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
    return socket.socket(family, kind)


@needs_ipv6
def test_clients_of_both_families_are_answered_and_distinguished() -> None:
    with echoing(Echo(), listeners=bind_all(LOOPBACK, 0)) as port:
        clients = [send(port, LAST, host=host).answers[0].json()["client"][0] for host in LOOPBACK]

    assert clients == ["127.0.0.1", "::1"]


@needs_ipv6
def test_a_client_of_ipv4_is_one_of_ipv4_to_a_socket_for_both() -> None:
    both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    port = both.getsockname()[1]
    with echoing(Echo(), listeners=[both]):
        clients = [send(port, LAST, host=host).answers[0].json()["client"][0] for host in LOOPBACK]

    assert clients == ["127.0.0.1", "::1"]


def test_a_machine_without_ipv6_listens_at_ipv4_alone() -> None:
    listeners = bind_all(LOOPBACK, 0, make_socket=_without_ipv6)

    with listeners[0]:
        assert [each.getsockname()[0] for each in listeners] == ["127.0.0.1"]


def test_an_address_that_is_named_alone_has_to_be_there() -> None:
    with pytest.raises(CannotListenError, match="Address family not supported"):
        bind_all(["::1"], 0, make_socket=_without_ipv6)


@needs_ipv6
def test_nothing_stays_bound_where_one_address_cannot_be() -> None:
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(CannotListenError, match="Address already in use"):
            bind_all(LOOPBACK, port)
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_an_address_of_another_machine_is_reported_with_its_variable() -> None:
    with pytest.raises(PortTakenError) as raised, bound_sockets(["192.0.2.1"], 5000, "PORT"):
        pass

    assert str(raised.value) == (
        "CloudMart cannot listen on 192.0.2.1:5000: Cannot assign requested address. Set "
        "LISTEN_ADDRESS to addresses that this machine has, or leave it out."
    )


@needs_ipv6
@pytest.mark.parametrize("listen", ["127.0.0.1,::1", "::1", "127.0.0.1"])
def test_api_and_metrics_are_where_the_environment_says(
    listen: str, settings: Settings, tmp_path: Path
) -> None:
    ports = {"PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    environ = environment(settings, LISTEN_ADDRESS=listen, **ports)

    with serving_process(environ, tmp_path) as it:
        first = listen.split(",", maxsplit=1)[0]
        it.wait_for(200, "/livez", host=first)
        answered = {
            host
            for host in LOOPBACK
            if _answers(host, it.port, "/livez") and _answers(host, it.metrics_port, "/metrics")
        }
        it.stop()
        code, _ = it.ended()

    assert answered == set(listen.split(","))
    assert code == 0


def _answers(host: str, port: int, path: str) -> bool:
    where = f"[{host}]" if ":" in host else host
    try:
        return httpx2.get(f"http://{where}:{port}{path}", timeout=60).status_code == 200
    except httpx2.ConnectError:
        return False
