"""The client of a request: its peer, or the address that trusted proxies name."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from starlette.types import Scope

UNKNOWN = "unknown"
"""Stands for a peer that has no address, as behind a Unix socket."""

_Address = IPv4Address | IPv6Address

_MAPPED = IPv6Network("::ffff:0:0/96")
_HEADER = b"x-forwarded-for"
_MOST_HOPS = 16
_TELL_EVERY = 60.0
_MOST_CROWDS = 1000
_LONGEST = 100
_HOP = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15}))(?::[0-9]{1,5})?|([0-9a-f:.]{2,45})")


@dataclass(frozen=True, slots=True)
class _Peer:
    address: _Address
    name: str
    is_near: bool
    """Whether its network is no part of the Internet, as that of a load balancer."""


class Clients:
    """Identifies clients; no client can forge its address.

    Args:
        proxies: Addresses and networks whose `X-Forwarded-For` is believed.
        on_stranger: Called once a minute at most, when a peer of a private network sends the
            header and is not believed: it may well be a load balancer, and all customers behind it
            look like one.
    """

    def __init__(
        self,
        proxies: Iterable[str] = (),
        on_stranger: Callable[[], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._trusted = [_network(proxy) for proxy in proxies]
        self._on_stranger = on_stranger
        self._monotonic = monotonic
        self._tell_after = 0.0
        self._crowds: OrderedDict[str, None] = OrderedDict()

    def name(self, scope: Scope) -> str:
        """Return the name of a request's client: an IPv4 address, or the /64 of an IPv6 one.

        It is the right-most hop that is not trusted; where a trusted proxy names no address, that
        proxy.
        """
        told = scope.get("client")
        peer = _peer(told[0]) if told else None
        if peer is None:
            return told[0] if told else UNKNOWN
        client = peer.address
        if not self._trusts(client):
            if peer.is_near and any(_hops(scope)):
                self._note_stranger(peer.name)
            return peer.name
        for hop in _hops(scope):
            named = _read(hop)
            if named is None:
                break
            client = named
            if not self._trusts(client):
                break
        return _name(client)

    def is_shared_address(self, name: str) -> bool:
        """Return whether a name stands for many clients: those of a proxy that is not trusted."""
        return name in self._crowds

    def _note_stranger(self, name: str) -> None:
        self._crowds[name] = None
        if len(self._crowds) > _MOST_CROWDS:
            self._crowds.popitem(last=False)
        if self._on_stranger and (now := self._monotonic()) >= self._tell_after:
            self._tell_after = now + _TELL_EVERY
            self._on_stranger()

    def _trusts(self, address: _Address) -> bool:
        return bool(self._trusted) and any(address in network for network in self._trusted)


def client_address(scope: Scope) -> str:
    """Return the name of the client a request comes from, as counters know it."""
    name: str = scope["state"]["client"]
    return name


def one_client(scope: Scope) -> str | None:
    """Return the client whose share a request counts to; None if it may come from any of many.

    All customers behind a proxy that is not trusted look like one client: a share of its own would
    be the share of them all.
    """
    state = scope.get("state", {})
    return None if state.get("crowd") else state.get("client")


def _hops(scope: Scope) -> Iterator[bytes]:
    """Yield what proxies added, the nearest first, as far as it is worth reading."""
    left = _MOST_HOPS
    for name, value in reversed(scope["headers"]):
        if name == _HEADER:
            hops = value.rsplit(b",", left)[-left:]
            yield from reversed(hops)
            left -= len(hops)
            if not left:
                return


def _read(hop: bytes) -> _Address | None:
    match = _HOP.fullmatch(hop.strip().lower().decode("latin-1")) if len(hop) < _LONGEST else None
    return _address(next(filter(None, match.groups()))) if match else None


@lru_cache(maxsize=1024)
def _address(text: str) -> _Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=1024)
def _peer(text: str) -> _Peer | None:
    address = _address(text)
    return _Peer(address, _name(address), not address.is_global) if address else None


def _network(text: str) -> IPv4Network | IPv6Network:
    network = ip_network(text)
    # An IPv4 client may be written as one of IPv6; it is looked up as one of IPv4.
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        bits = network.prefixlen - _MAPPED.prefixlen
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, bits))
    return network


def _name(address: _Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    # A client with one address of a /64 has all of them.
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"
