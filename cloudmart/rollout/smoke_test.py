"""How customers get to the pods: the public name, or the load balancer while there is none."""

import json
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from cloudmart.rollout.cluster import KubectlError, Kubernetes
from cloudmart.rollout.journal import Journal, UnhealthyError
from cloudmart.rollout.pod_faults import RolloutLimits
from cloudmart.rollout.release import Release, name_of

_WITHIN = 10.0
_SHOWN = 200  # characters of an answer
_DRAIN = 180.0
"""Seconds after which a pod of before that is still there counts as stuck."""

_IN_A_ROW = 3
"""One pod's answer is not yet the shop's."""


@dataclass(frozen=True, slots=True)
class SmokeQuestion:
    """What is asked, and what is wrong with an answer."""

    path: str
    fault: Callable[[httpx2.Response], str | None]


@dataclass(slots=True)
class PublicShop:
    """The shop at an address, and the roll-out that should answer there."""

    url: str
    rollout_id: str
    storefront: bool
    address: str | None = None
    """A load balancer to be asked in place of a name that does not lead to it yet."""

    def wait(
        self, journal: Journal, limits: RolloutLimits, draining: Callable[[], bool]
    ) -> str | None:
        """Return None once three answers in a row are good, or what is wrong when time is over.

        Pods of before may still answer while they drain: until they have gone, time stands still.
        """
        row, fault, spent, drained = 0, "", 0.0, 0.0
        with self._client() as client:
            while spent <= limits.answers:
                began = limits.clock()
                found = self.ask(client)
                row = 0 if found else row + 1
                if row >= _IN_A_ROW:
                    return None
                if found and found != fault:
                    fault = found
                    journal.detail(fault)
                journal.progress(f"{row} of {_IN_A_ROW} good answers in a row")
                limits.sleep(limits.pause)
                passed = limits.clock() - began
                if drained < _DRAIN and draining():
                    drained += passed
                else:
                    spent += passed
        return fault

    def ask(self, client: httpx2.Client) -> str | None:
        """Ask all there is to ask, and return what is wrong first."""
        for question in self._questions():
            target = f"GET {self.url}{question.path}"
            try:
                answer = self._get(client, question.path)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                return f"{target} was not answered: {error or type(error).__name__}"
            if found := question.fault(answer):
                text = " ".join(answer.text.split())[:_SHOWN]
                return f"{target} {found}. It answered {answer.status_code}: {text}"
        return None

    def _questions(self) -> Sequence[SmokeQuestion]:
        page = [SmokeQuestion("/", _page)] if self.storefront else []
        return [
            SmokeQuestion("/api/health", self._health),
            SmokeQuestion("/api/products?limit=1", _products),
            SmokeQuestion("/metrics", _metrics),
            *page,
        ]

    def _health(self, answer: httpx2.Response) -> str | None:
        told = _document(answer)
        if answer.status_code != httpx2.codes.OK or told.get("serviceId") != "cloudmart-backend":
            return "is no health of this service"
        if told.get("rolloutId") != self.rollout_id:
            other = told.get("rolloutId") or f"none, release {told.get('releaseId')}"
            return (
                f"is answered by another roll-out ({other}) than this one ({self.rollout_id}): "
                "pods of before, or another cluster"
            )
        return None

    def _client(self) -> httpx2.Client:
        # The machine's own certificates, as curl takes them.
        context = ssl.create_default_context()
        return httpx2.Client(timeout=_WITHIN, verify=context, follow_redirects=False)

    def _get(self, client: httpx2.Client, path: str) -> httpx2.Response:
        if self.address is None:
            return client.get(f"{self.url}{path}")
        shop = httpx2.URL(self.url)
        target = shop.copy_with(host=self.address, path="/").join(path)
        extensions = {"sni_hostname": shop.host}
        return client.get(target, headers={"Host": shop.host}, extensions=extensions)


def _document(answer: httpx2.Response) -> Mapping[str, Any]:
    try:
        told = json.loads(answer.content)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _products(answer: httpx2.Response) -> str | None:
    try:
        good = answer.status_code == httpx2.codes.OK and isinstance(
            json.loads(answer.content), list
        )
    except ValueError:
        good = False
    return None if good else "is no list of products"


def _metrics(answer: httpx2.Response) -> str | None:
    return "shows the metrics to everybody" if "cloudmart_" in answer.text else None


def _page(answer: httpx2.Response) -> str | None:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    text = answer.text.lstrip()[:15].lower()
    looks = kind == "text/html" or text.startswith(("<!doctype html", "<html"))
    good = answer.status_code == httpx2.codes.OK and looks
    return None if good else "is no page: the storefront does not answer"


class SmokeTest:
    """Asks a release from outside; `pending` is what a person has still to do for that."""

    def __init__(
        self, cluster: Kubernetes, journal: Journal, limits: RolloutLimits, release: Release
    ) -> None:
        self._cluster = cluster
        self._journal = journal
        self._limits = limits
        self._release = release
        self.pending: str | None = None

    def wait(self, url: str, *, storefront: bool, draining: Callable[[], bool]) -> None:
        """Wait until the release answers three times in a row.

        Raises:
            UnhealthyError: it does not, and what came instead.
        """
        page = storefront and self._release.storefront is not None
        shop = PublicShop(url, self._release.rollout_id, page)
        host = urlsplit(url).hostname or ""
        if not _resolves(host):
            shop.address = self._load_balancer(host)
            self.pending = (
                f"The name {host} leads nowhere yet. Point it at the load balancer: a CNAME (or "
                f"an alias of Route 53) to {shop.address}."
            )
            self._journal.say(f"{host} is not known in DNS yet: {shop.address} is asked instead.")
        if fault := shop.wait(self._journal, self._limits, draining):
            raise UnhealthyError(f"The shop does not answer from outside as it should. {fault}")

    def _load_balancer(self, host: str) -> str:
        limits = self._limits
        until = limits.clock() + limits.answers
        (ingress,) = (each for each in self._release.edge if each["kind"] == "Ingress")
        address: str | None = None
        while limits.clock() < until:
            if address := self._address(name_of(ingress)):
                if _resolves(address):
                    return address
                self._journal.progress(f"The load balancer {address} is not known in DNS yet")
            else:
                self._journal.progress("Waiting for the address of the load balancer")
            limits.sleep(limits.pause)
        described = self._cluster.command("describe", "ingress", name_of(ingress))
        if address:
            raise UnhealthyError(
                f"Neither {host} nor the load balancer {address} is known in DNS yet. Point {host} "
                f"at {address} and roll out again in some minutes."
            )
        raise UnhealthyError(
            f"{host} is not known in DNS, and the Ingress has no load balancer yet. See "
            f"`{described}`."
        )

    def _address(self, ingress: str) -> str | None:
        try:
            live = self._cluster.get("ingress", ingress)
        except KubectlError:
            return None
        for each in (live.get("status", {}).get("loadBalancer") or {}).get("ingress") or ():
            return str(each.get("hostname") or each.get("ip"))
        return None


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except OSError:
        return False
