"""The connection to a shop: its name in DNS, its port, its certificate."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cloudmart.verify.context import VerifyContext, VerifyStep
from cloudmart.verify.credentials import is_private_host
from cloudmart.verify.failed_layer import Layer, layer_of_error
from cloudmart.verify.shop_client import goes_by_proxy
from cloudmart.verify.step import StepFailedError, StepSkippedError, StepWarnedError

REACHED = ("certificate-good",)
"""The parent of all steps that ask something."""

_PORTS = {"http": 80, "https": 443}
_SOON = timedelta(days=21)


def resolve_name(context: VerifyContext) -> str:
    """Look the shop's name up."""
    host, port = _place(context)
    _need_no_proxy(context)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StepFailedError(Layer.DNS, f"{host} is not known in DNS: {reason}") from error
    addresses = dict.fromkeys(str(each[4][0]) for each in found)
    instead = f", asked for {urlsplit(context.shop.url).hostname}" if context.shop.address else ""
    return f"{host} is {', '.join(addresses)}{instead}"


def connect(context: VerifyContext) -> str:
    """Open a connection to the shop."""
    host, port = _place(context)
    _need_no_proxy(context)
    with _connected(context):
        return f"{host}:{port} takes connections"


def check_certificate(context: VerifyContext) -> str:
    """Check the certificate as a browser does, and until when it is good."""
    host, port = _place(context)
    name = urlsplit(context.shop.url).hostname
    if urlsplit(context.shop.url).scheme != "https":
        if not is_private_host(host):
            raise StepWarnedError(
                "http:// has no TLS: what customers send can be read on the network"
            )
        raise StepSkippedError("the address begins with http://")
    _need_no_proxy(context)
    tls = ssl.create_default_context()
    with _connected(context) as plain:
        try:
            with tls.wrap_socket(plain, server_hostname=name) as secured:
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


def _place(context: VerifyContext) -> tuple[str, int]:
    parts = urlsplit(context.shop.url)
    return context.shop.address or parts.hostname or "", parts.port or _PORTS[parts.scheme]


def _need_no_proxy(context: VerifyContext) -> None:
    """Raise StepSkippedError where the environment names a proxy that is asked instead."""
    if goes_by_proxy(context.shop.url):
        raise StepSkippedError("the environment names a proxy, which looks names up and connects")


@contextmanager
def _connected(context: VerifyContext) -> Iterator[socket.socket]:
    host, port = _place(context)
    try:
        connection = socket.create_connection((host, port), timeout=context.shop.within)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise StepFailedError(
            Layer.BALANCER, f"nothing takes connections at {host}:{port}: {reason}"
        ) from error
    with connection:
        yield connection
