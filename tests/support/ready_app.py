"""The whole application, started and ready."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from cloudmart.composition.runtime import Runtime
from cloudmart.health.state import Health, Timing
from cloudmart.settings import Settings

PATIENCE = 60.0
_LONG = 24 * 60 * 60.0


def still(settings: Settings) -> Runtime:
    """Return a process that checks its dependencies once and then leaves the test alone."""
    return Runtime.begin(settings, Health(rhythm=Timing(sample_every=(_LONG, _LONG))))


def settled(state: Any) -> bool:  # noqa: ANN401 - the lifespan's
    """Return whether an application is ready and has checked all dependencies."""
    health: Health = state["services"][Health]
    outputs = [reading.output for _, reading in health.readings()]
    return health.unready() is None and "Not checked yet." not in outputs


@contextmanager
def serving(app: FastAPI, peer: str = "testclient") -> Iterator[TestClient]:
    """Return a client of an application that is ready and has checked all dependencies."""
    with TestClient(app, client=(peer, 50_000)) as client:
        deadline = time.monotonic() + PATIENCE
        while not settled(client.app_state):
            assert time.monotonic() < deadline, client.get("/ready").text
            time.sleep(0.005)
        yield client
