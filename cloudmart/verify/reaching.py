"""The way to a shop: its name, a connection, its certificate."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cloudmart.verify.credentials import is_private_host
from cloudmart.verify.layers import Layer, layer_of_error
from cloudmart.verify.shop_client import goes_by_proxy
from cloudmart.verify.step import (
    StepFailedError,
    StepSkippedError,
    StepWarnedError,
    VerifyStep,
)
from cloudmart.verify.visit import Visit

REACHED = ("certificate-good",)
"""The parent of all steps that ask something."""

_PORTS = {"http": 80, "https": 443}
_SOON = timedelta(days=21)


def resolve_name(visit: Visit) -> str:
    """Look the shop's name up."""
    host, port = _place(visit)
    _need_no_proxy(visit)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StepFailedError(Layer.DNS, f"{host} is not known in DNS: {reason}") from error
    addresses = dict.fromkeys(str(each[4][0]) for each in found)
    instead = f", asked for {urlsplit(visit.shop.url).hostname}" if visit.shop.address else ""
    return f"{host} is {', '.join(addresses)}{instead}"


def connect(visit: Visit) -> str:
    """Open a connection to the shop."""
    host, port = _place(visit)
    _need_no_proxy(visit)
    with _connected(visit):
        return f"{host}:{port} takes connections"


def check_certificate(visit: Visit) -> str:
    """Check the certificate as a browser does, and until when it is good."""
    host, port = _place(visit)
    name = urlsplit(visit.shop.url).hostname
    if urlsplit(visit.shop.url).scheme != "https":
        if not is_private_host(host):
            raise StepWarnedError(
                "http:// has no TLS: what customers send can be read on the network"
            )
        raise StepSkippedError("the address begins with http://")
    _need_no_proxy(visit)
    context = ssl.create_default_context()
    with _connected(visit) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=name) as secured:
                certificate, protocol = secured.getpeercert() or {}, secured.version()
        except OSError as error:
            layer, sentence = layer_of_error(error, answered=False)
            layer = Layer.TLS if isinstance(error, ssl.SSLError) else layer
            raise StepFailedError(layer, f"{host}:{port}: {sentence}") from error
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    told = f"{protocol}; the certificate is good until {ends:%Y-%m-%d}"
    if ends - datetime.now(UTC) < _SOON:
        raise StepWarnedError(told)
    return told


STEPS = (
    VerifyStep("name-resolves", resolve_name),
    VerifyStep("address-connects", connect, ("name-resolves",)),
    VerifyStep("certificate-good", check_certificate, ("address-connects",)),
)


def _place(visit: Visit) -> tuple[str, int]:
    parts = urlsplit(visit.shop.url)
    return visit.shop.address or parts.hostname or "", parts.port or _PORTS[parts.scheme]


def _need_no_proxy(visit: Visit) -> None:
    """Raise StepSkippedError where the environment names a proxy that is asked instead."""
    if goes_by_proxy(visit.shop.url):
        raise StepSkippedError("the environment names a proxy, which looks names up and connects")


@contextmanager
def _connected(visit: Visit) -> Iterator[socket.socket]:
    host, port = _place(visit)
    try:
        connection = socket.create_connection((host, port), timeout=visit.shop.within)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise StepFailedError(
            Layer.BALANCER, f"nothing takes connections at {host}:{port}: {reason}"
        ) from error
    with connection:
        yield connection
