"""Instances of the service behind a load balancer, and their replacement."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle

import httpx2

from tests.balancer.nginx import SLOTS, Balancer
from tests.support.serve_process import PROGRAM, free_port

_PATIENCE = 60.0
_LEARNS = 0.2
"""Seconds until a load balancer notices that a target is gone. Kubernetes' preStop is longer."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A process that serves."""

    slot: str
    url: str
    process: subprocess.Popen[bytes]

    def wait_until_ready(self) -> None:
        """Wait until its readiness probe passes."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"{self.slot} has ended"
            try:
                if httpx2.get(f"{self.url}/ready", timeout=5).status_code == httpx2.codes.OK:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.05)
        raise TimeoutError(self.slot)


class Fleet:
    """Two instances, and a third while one of them is replaced."""

    def __init__(self, balancer: Balancer, environ: Mapping[str, str]) -> None:
        self._balancer = balancer
        self._environ = environ
        self._slots = cycle(SLOTS)
        self._instances: list[Instance] = []

    def grow(self) -> None:
        """Start an instance, and register it when it is ready."""
        slot = next(self._slots)
        port = self._balancer.ports[slot]
        environ = {**self._environ, "PORT": str(port), "METRICS_PORT": str(free_port())}
        with (self._balancer.directory / f"{slot}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-c", PROGRAM, os.devnull],
                env=environ,
                stderr=log,
                cwd=self._balancer.directory,
            )
        instance = Instance(slot, f"http://127.0.0.1:{port}", process)
        self._instances.append(instance)
        instance.wait_until_ready()
        self._balancer.register(slot)

    def replace_oldest(self) -> int:
        """Replace an instance as a roll-out does, and return the old one's exit code."""
        self.grow()
        old = self._instances.pop(0)
        self._balancer.deregister(old.slot)
        old.process.send_signal(signal.SIGTERM)
        return old.process.wait(_PATIENCE)

    def lose_oldest(self) -> None:
        """Lose an instance like a failed node: for a while the load balancer does not know."""
        self.grow()
        old = self._instances.pop(0)
        old.process.kill()
        old.process.wait(_PATIENCE)
        time.sleep(_LEARNS)
        self._balancer.deregister(old.slot)

    def end(self) -> None:
        """End every running instance."""
        for instance in self._instances:
            instance.process.kill()
            instance.process.wait()


@contextmanager
def fleet(balancer: Balancer, environ: Mapping[str, str]) -> Iterator[Fleet]:
    """Run two instances while the context lasts."""
    it = Fleet(balancer, environ)
    try:
        it.grow()
        it.grow()
        yield it
    finally:
        it.end()
