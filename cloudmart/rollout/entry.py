"""How customers get to the pods: the public name, or the load balancer while there is none."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from cloudmart.rollout.cluster import KubectlError, Kubernetes
from cloudmart.rollout.ends import UnwellError
from cloudmart.rollout.journal import Journal
from cloudmart.rollout.outside import ShopOutside
from cloudmart.rollout.release import Release, named
from cloudmart.rollout.waiting import Limits


class ShopEntry:
    """Asks a release from outside; `pending` is what a person has still to do for that."""

    def __init__(
        self, cluster: Kubernetes, journal: Journal, limits: Limits, release: Release
    ) -> None:
        self._cluster = cluster
        self._journal = journal
        self._limits = limits
        self._release = release
        self.pending: str | None = None

    def wait(self, url: str, *, storefront: bool, draining: Callable[[], bool]) -> None:
        """Wait until the release answers three times in a row.

        Raises:
            UnwellError: it does not, and what came instead.
        """
        page = storefront and self._release.storefront is not None
        shop = ShopOutside(url, self._release.rollout_id, page)
        host = urlsplit(url).hostname or ""
        if not _resolves(host):
            shop.address = self._load_balancer(host)
            self.pending = (
                f"The name {host} leads nowhere yet. Point it at the load balancer: a CNAME (or "
                f"an alias of Route 53) to {shop.address}."
            )
            self._journal.say(f"{host} is not known in DNS yet: {shop.address} is asked instead.")
        if fault := shop.wait(self._journal, self._limits, draining):
            raise UnwellError(f"The shop does not answer from outside as it should. {fault}")

    def _load_balancer(self, host: str) -> str:
        limits = self._limits
        until = limits.clock() + limits.answers
        (ingress,) = (each for each in self._release.edge if each["kind"] == "Ingress")
        address: str | None = None
        while limits.clock() < until:
            if address := self._address(named(ingress)):
                if _resolves(address):
                    return address
                self._journal.progress(f"The load balancer {address} is not known in DNS yet")
            else:
                self._journal.progress("Waiting for the address of the load balancer")
            limits.sleep(limits.pause)
        described = self._cluster.command("describe", "ingress", named(ingress))
        if address:
            raise UnwellError(
                f"Neither {host} nor the load balancer {address} is known in DNS yet. Point {host} "
                f"at {address} and roll out again in some minutes."
            )
        raise UnwellError(
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
