"""One roll-out at a time: a Lease in the namespace, held while one goes on."""

import json
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from cloudmart.rollout.cluster import KubectlError, KubectlReason, Kubernetes
from cloudmart.rollout.journal import NotRolledOutError
from cloudmart.rollout.release import Manifest

NAME = "cloudmart-rollout"
SECONDS = 60
"""A Lease that was not renewed for so long counts no more: its holder has died."""

_EVERY = 15.0
_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


class RolloutLease:
    """The right to roll out in a namespace; renewed in the background until it is given back.

    `lost` is called, from another thread, if another roll-out has taken it.
    """

    def __init__(
        self, cluster: Kubernetes, lost: Callable[[], None], every: float = _EVERY
    ) -> None:
        self._cluster = cluster
        self._lost = lost
        self._every = every
        self._holder = f"{_user()}@{socket.gethostname()}, process {os.getpid()}"
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)
        self._held: Manifest | None = None

    def __enter__(self) -> Self:
        """Take the Lease, or refuse: somebody else holds it."""
        self._held = self._take()
        self._renewing.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the Lease back, unless it was broken off: then it ends by itself."""
        self._ended.set()
        if kind is None or issubclass(kind, Exception):
            self._renewing.join()
            try:
                self._cluster.do("delete", "lease", NAME, "--ignore-not-found", "--wait=false")
            except KubectlError:
                return  # It ends by itself, a minute later.

    def _take(self) -> Manifest:
        spec = {"acquireTime": _stamp(), "renewTime": _stamp()}
        try:
            return self._write("create", {"name": NAME}, spec)
        except KubectlError as error:
            if error.reason is not KubectlReason.EXISTS:
                raise
        former = self._cluster.find("lease", NAME)
        if former is None:
            return self._take()
        if (left := _seconds_left(former)) > 0:
            raise NotRolledOutError(
                f"Another roll-out is at work in {self._cluster.namespace}: "
                f"{former['spec'].get('holderIdentity')}. Wait for it; if it has died, its hold "
                f"ends in {left:.0f} s."
            )
        try:
            return self._write("replace", _same(former), spec)
        except KubectlError as error:
            if error.reason in {KubectlReason.CHANGED, KubectlReason.ABSENT}:
                raise NotRolledOutError(
                    "Another roll-out began at this moment. Wait for it."
                ) from error
            raise

    def _renew(self) -> None:
        while not self._ended.wait(self._every):
            held = self._held
            if held is None:
                return
            try:
                spec = {"acquireTime": held["spec"]["acquireTime"], "renewTime": _stamp()}
                self._held = self._write("replace", _same(held), spec)
            except KubectlError as error:
                if error.reason in {KubectlReason.CHANGED, KubectlReason.ABSENT}:
                    self._lost()
                    return
                # It is tried again, and there are more tries than one before it ends.

    def _write(self, verb: str, metadata: dict[str, Any], spec: dict[str, Any]) -> Manifest:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**metadata, "namespace": self._cluster.namespace},
            "spec": {"holderIdentity": self._holder, "leaseDurationSeconds": SECONDS, **spec},
        }
        written: Manifest = json.loads(
            self._cluster.do(verb, "--filename", "-", "--output", "json", told=lease)
        )
        return written


def _same(lease: Manifest) -> dict[str, Any]:
    """Return what makes a write fail if somebody else has written since."""
    return {"name": NAME, "resourceVersion": lease["metadata"]["resourceVersion"]}


def _seconds_left(lease: Manifest) -> float:
    spec = lease.get("spec") or {}
    if not spec.get("renewTime"):
        return 0
    renewed = datetime.strptime(spec["renewTime"], _FORM).replace(tzinfo=UTC)
    ends = renewed + timedelta(seconds=spec.get("leaseDurationSeconds") or SECONDS)
    return (ends - datetime.now(UTC)).total_seconds()


def _stamp() -> str:
    return datetime.now(UTC).strftime(_FORM)


def _user() -> str:
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "somebody"
