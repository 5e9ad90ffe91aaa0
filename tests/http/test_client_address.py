"""Which client a request comes from, whatever its headers say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmart.app import create_app
from cloudmart.http.client_address import Clients
from cloudmart.settings import Environment, LimitSettings, Settings
from tests.support.ready_app import serving, still

BALANCER = "10.0.3.7"
VPC = "10.0.0.0/16"


def named(*forwarded: str | bytes, peer: str = BALANCER, proxies: tuple[str, ...] = (VPC,)) -> str:
    """Return the client of a request with some lines of X-Forwarded-For."""
    lines = (one.encode() if isinstance(one, str) else one for one in forwarded)
    headers = [(b"host", b"shop"), *((b"x-forwarded-for", line) for line in lines)]
    scope: dict[str, Any] = {"type": "http", "client": (peer, 50_000), "headers": headers}
    return Clients(proxies).name(scope)


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([], BALANCER),
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 10.0.9.9"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9", "10.0.9.9, 10.0.9.8"], "203.0.113.9"),
        (["10.0.1.1, 10.0.1.2"], "10.0.1.1"),
        (["203.0.113.9:52001"], "203.0.113.9"),
        (["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        (["[2001:db8:1:2:3:4:5:6]"], "2001:db8:1:2::/64"),
        (["[2001:DB8:1:2:3:4:5:6]:443"], "2001:db8:1:2::/64"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["\t 203.0.113.9  "], "203.0.113.9"),
    ],
)
def test_the_client_is_the_right_most_hop_that_is_not_trusted(
    forwarded: list[str], client: str
) -> None:
    assert named(*forwarded) == client


@pytest.mark.parametrize(
    ("peer", "forwarded", "crowd"),
    [
        ("10.1.0.1", "203.0.113.9", True),
        ("::ffff:127.0.0.1", "203.0.113.9", True),
        ("10.1.0.1", None, False),
        ("8.8.8.8", "198.51.100.1", False),
        (BALANCER, "203.0.113.9", False),
    ],
)
def test_a_private_peer_that_names_others_and_is_not_trusted_stands_for_many(
    peer: str,
    forwarded: str | None,
    crowd: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    clients = Clients((VPC,))
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope: dict[str, Any] = {"type": "http", "client": (peer, 50_000), "headers": headers}

    name = clients.name(scope)

    assert clients.is_shared_address(name) is crowd
    # The next request is still from the same peer, whatever it sends.
    assert clients.is_shared_address(clients.name(scope | {"headers": []})) is (
        crowd and name != BALANCER
    )


@pytest.mark.parametrize("peer", ["203.0.113.9", "127.0.0.1", "10.1.0.1", "::ffff:127.0.0.1"])
def test_an_untrusted_peer_cannot_name_another_client(peer: str) -> None:
    assert named("198.51.100.1", peer=peer) == peer.removeprefix("::ffff:")


@pytest.mark.parametrize("peer", [BALANCER, f"::ffff:{BALANCER}"])
@pytest.mark.parametrize("proxies", [(VPC,), ("::ffff:10.0.0.0/112",), (f"::ffff:{BALANCER}",)])
def test_a_proxy_of_ipv4_is_trusted_however_it_is_written(
    peer: str, proxies: tuple[str, ...]
) -> None:
    assert named("198.51.100.1", peer=peer, proxies=proxies) == "198.51.100.1"


def test_nobody_is_trusted_by_default_and_loopback_neither() -> None:
    assert named("198.51.100.1", peer="127.0.0.1", proxies=()) == "127.0.0.1"
    assert named("198.51.100.1", peer="::1", proxies=()) == "::/64"


@pytest.mark.parametrize(
    "nearest",
    [
        *(b"", b"unknown", b"_hidden", b"203.0.113", b"203.0.113.9.1", b"203.0.113.256", b"\xff"),
        *(b"203.0.113.9\r\nX-Evil: 1", b"\x00", b"203.0.113.09", b"[203.0.113.9", b"0xcb007109"),
        *(b"203.0.113.9:port", b"[::1]]", b"fe80::1%eth0", b"localhost", b"1" * 70_000, b"::" * 99),
        *("\u0662\u0660\u0663.0.113.9".encode(), b"203.0.113.9;", b"for=203.0.113.9"),
    ],
)
def test_where_a_trusted_proxy_names_no_address_it_is_the_client_itself(nearest: bytes) -> None:
    assert named(b"198.51.100.1," + nearest) == BALANCER


def test_no_more_hops_are_read_than_there_are_proxies_in_the_world() -> None:
    beyond = ", ".join(["198.51.100.1", *["10.0.1.1"] * 15, "10.0.1.2"])

    assert named(beyond) == "10.0.1.1"
    assert named(*beyond.split(", ")) == "10.0.1.1"
    assert named(*["198.51.100.1, 10.0.1.1"] * 30_000) == "198.51.100.1"


@given(st.lists(st.binary(max_size=60), max_size=5), st.booleans())
def test_a_client_behind_a_trusted_proxy_cannot_choose_its_address(
    sent: list[bytes],
    appended: bool,  # noqa: FBT001 - drawn
) -> None:
    client = b"203.0.113.9"
    *others, last = sent or [b""]
    lines = [*others, last + b", " + client] if appended else [*sent, client]

    assert named(*lines) == client.decode()


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_a_client_without_a_proxy_cannot_choose_its_address(sent: list[bytes]) -> None:
    assert named(*sent, peer="203.0.113.9") == "203.0.113.9"


@pytest.mark.parametrize("peer", [None, ("testclient", 50_000)])
def test_a_peer_without_an_address_is_one_client(peer: tuple[str, int] | None) -> None:
    scope = {"type": "http", "client": peer, "headers": [(b"x-forwarded-for", b"203.0.113.9")]}

    assert Clients([VPC]).name(scope) == ("testclient" if peer else "unknown")


@pytest.mark.parametrize(
    ("environment", "proxies", "told"),
    [
        (Environment.PRODUCTION, (), True),
        (Environment.PRODUCTION, (VPC,), False),
        (Environment.LOCAL, (), False),
    ],
)
def test_health_warns_when_a_private_peer_is_not_believed(
    environment: Environment,
    proxies: tuple[str, ...],
    told: bool,  # noqa: FBT001
    settings: Settings,
) -> None:
    changes = {"environment": environment, "limits": LimitSettings(trusted_proxies=proxies)}
    changed = settings.model_copy(update=changes)
    app = create_app(changed, process=still(changed))

    with serving(app, peer=BALANCER) as client:
        before = client.get("/health").json()["checks"]
        client.get("/api/nowhere", headers={"X-Forwarded-For": "203.0.113.9"})
        after = client.get("/health").json()["checks"]

    assert "clients:addresses" not in before
    assert [check["status"] for check in after.get("clients:addresses", [])] == ["warn"] * told
