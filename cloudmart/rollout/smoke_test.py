"""Tests a release as customers reach it: by its public name, or by the load balancer's."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cloudmart.findings.finding import CheckStatus
from cloudmart.rollout.cluster import KubectlError, Kubernetes
from cloudmart.rollout.output import RolloutOutput, UnhealthyError
from cloudmart.rollout.pod_faults import RolloutLimits
from cloudmart.rollout.release import Release, name_of
from cloudmart.verify.context import VerifyChoices, VerifyContext
from cloudmart.verify.run import STEPS, VerifyRun
from cloudmart.verify.shop_client import ShopClient
from cloudmart.verify.step import StepFinding

_WITHIN = 10.0
_DRAIN = 180.0
"""Seconds after which an old pod that is still there counts as stuck."""

_IN_A_ROW = 3
"""One pod's answer does not speak for all pods."""

_PAGE = "page-answers"
_WAY = ("name-resolves", "address-connects", "certificate-good")
_ASKED = (*_WAY, "health-answers", "rollout-expected", "products-listed", "metrics-out-of-sight")
_WRONG = (CheckStatus.FAIL, CheckStatus.UNKNOWN)


class _SilentWatcher:
    """Follows the progress of a verification, and prints nothing."""

    def begins(self, key: str) -> None:
        """Take the beginning of a step."""

    def ends(self, finding: StepFinding) -> None:
        """Take its result."""


@dataclass(slots=True)
class PublicShop:
    """The shop at an address, and the roll-out that should answer there."""

    url: str
    rollout_id: str
    storefront: bool
    address: str | None = None
    """A load balancer to be asked in place of a name that does not lead to it yet."""
    warnings: list[StepFinding] = field(default_factory=list)
    """What works, and is to be looked at."""

    def wait(
        self, output: RolloutOutput, limits: RolloutLimits, draining: Callable[[], bool]
    ) -> StepFinding | None:
        """Return None once it was well three times in a row, or what is wrong when time is over.

        Old pods may still answer while they drain: that time does not count.
        """
        row, told, spent, drained = 0, "", 0.0, 0.0
        found: StepFinding | None = None
        while spent <= limits.answers:
            began = limits.clock()
            found = self.ask()
            row = 0 if found else row + 1
            if row >= _IN_A_ROW:
                return None
            # Each request has a different id, which is not worth a line.
            if found and (said := _sentence(found).partition(" (verify-")[0]) != told:
                told = said
                output.detail(_sentence(found))
            output.progress(f"{row} of {_IN_A_ROW} good answers in a row")
            limits.sleep(limits.pause)
            passed = limits.clock() - began
            if drained < _DRAIN and draining():
                drained += passed
            else:
                spent += passed
        return found

    def ask(self) -> StepFinding | None:
        """Take the steps of `cloudmart verify` that change nothing; return what is wrong first."""
        wanted = {*_ASKED, _PAGE} if self.storefront else {*_ASKED}
        steps = tuple(each for each in STEPS if each.id in wanted)
        with closing(ShopClient(self.url, _WITHIN, address=self.address)) as shop:
            context = VerifyContext(shop, VerifyChoices(expect=self.rollout_id))
            run = VerifyRun(context, _SilentWatcher(), steps)
            run.run()
        self.warnings = [each for each in run.findings if each.status is CheckStatus.WARN]
        return next((each for each in run.findings if each.status in _WRONG), None)


class SmokeTest:
    """Asks a release from outside; `pending` is what a person has still to do for that."""

    def __init__(
        self, cluster: Kubernetes, output: RolloutOutput, limits: RolloutLimits, release: Release
    ) -> None:
        self._cluster = cluster
        self._output = output
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
            self._output.say(f"{host} is not known in DNS yet: {shop.address} is asked instead.")
        if fault := shop.wait(self._output, self._limits, draining):
            raise UnhealthyError(
                f"The shop does not answer from outside as it should. {_sentence(fault)}\n"
                f"{fault.fix}"
            )
        for each in shop.warnings:
            self._output.warn(f"{_sentence(each)}. {each.fix}")

    def _load_balancer(self, host: str) -> str:
        limits = self._limits
        until = limits.clock() + limits.answers
        (ingress,) = (each for each in self._release.edge if each["kind"] == "Ingress")
        address: str | None = None
        while limits.clock() < until:
            if address := next(self._addresses(name_of(ingress)), None):
                if _resolves(address):
                    return address
                self._output.progress(f"The load balancer {address} is not known in DNS yet")
            else:
                self._output.progress("Waiting for the address of the load balancer")
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

    def _addresses(self, ingress: str) -> Iterator[str]:
        try:
            live = self._cluster.get("ingress", ingress)
        except KubectlError:
            return
        for each in (live.get("status", {}).get("loadBalancer") or {}).get("ingress") or ():
            yield str(each.get("hostname") or each.get("ip"))


def _sentence(finding: StepFinding) -> str:
    return f"{finding.id}: {finding.observed}"


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except OSError:
        return False
