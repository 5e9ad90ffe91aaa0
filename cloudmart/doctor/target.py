"""What the doctor examines: the settings of the service, and the ways to reach the rest."""

import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aioboto3
import httpx2

from cloudmart.aws_redirects import DirectConfig
from cloudmart.dynamodb.session import operators_session
from cloudmart.pipeline.opening import OpenPipeline, open_pipeline
from cloudmart.pipeline.watch.query_threads import DaemonThreads
from cloudmart.rollout.cluster import Kubernetes
from cloudmart.settings import Loaded

QUICK = DirectConfig(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 2},
    user_agent="cloudmart-doctor",
)
"""How AWS is called: a person waits for the answer."""

_THREADS = 8
_SECONDS = 5.0


def quick_session(region: str | None) -> aioboto3.Session:
    """Return a session with AWS that gives up within seconds, also while it gets credentials."""
    session = operators_session(region)
    session._session.set_default_client_config(QUICK)  # noqa: SLF001 - no public way
    return session


def addresses_of(host: str) -> list[str]:
    """Return the addresses that a name has, or raise OSError."""
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return sorted({str(each[4][0]) for each in found})


def certificate_of(host: str, port: int) -> Mapping[str, Any]:
    """Return the certificate that a server shows and that this machine trusts.

    Raises:
        OSError: it cannot be reached, or its certificate is not trusted.
    """
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert() or {}


def http_client() -> httpx2.AsyncClient:
    """Return what asks over HTTP: it trusts what this machine trusts and follows no redirect."""
    context = ssl.create_default_context()
    return httpx2.AsyncClient(timeout=_SECONDS, verify=context, follow_redirects=False)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class DoctorTarget:
    """What the doctor examines, and the ways to reach it.

    `source` says whose settings these are. `cluster` is None, and `no_cluster` says why,
    if there is no kubectl. `url` is the shop's address, if another than its settings name.
    """

    environ: Mapping[str, str]
    loaded: Loaded
    source: str = "the environment of this process"
    unread: str | None = None
    cluster: Kubernetes | None = None
    no_cluster: str = "kubectl is not installed here"
    namespace: str = "default"
    url: str | None = None
    in_cluster: bool = False
    is_service: bool = False
    """Whether this process has the settings and the identity of the service's pods."""
    interval: float = 3.0
    """Seconds between two looks at what a pod counts."""
    session: Callable[[str | None], aioboto3.Session] = quick_session
    resolve: Callable[[str], Sequence[str]] = addresses_of
    certificate: Callable[[str, int], Mapping[str, Any]] = certificate_of
    client: Callable[[], httpx2.AsyncClient] = http_client
    pipeline: OpenPipeline = open_pipeline
    now: Callable[[], datetime] = _now
    threads: DaemonThreads = field(default_factory=lambda: DaemonThreads(_THREADS, "doctor"))
