"""Checks of dependencies: the same ones the start waits for and the background repeats."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import uniform

import structlog

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.table import Table
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.process import SLOW
from cloudmart.health.causes.services import UNKNOWN
from cloudmart.health.classify import DYNAMODB, FAILURES, FAILURES_OF_CREDENTIALS
from cloudmart.health.dependency_error import dependency_error_of
from cloudmart.health.state import Dependency, Health
from cloudmart.orders.internal_items import PROBE

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Probe:
    """A check of one dependency: `ask` returns, or raises DependencyError.

    `urgent` tells whether it is serious at once that there is no answer in time.
    """

    dependency: Dependency
    ask: Callable[[], Awaitable[None]]
    urgent: Callable[[], bool] = lambda: True


def table_probe(dependency: Dependency, table: Table, environ: Mapping[str, str]) -> Probe:
    """Return the probe that really reads a table."""

    async def ask() -> None:
        try:
            await table.get(PROBE)
        except FAILURES as error:
            obstacle = dependency_error_of(error, environ, DYNAMODB, table=table.name)
            raise obstacle from error.__cause__ or error

    return Probe(dependency, ask)


def connected(database: Database, environ: Mapping[str, str]) -> Callable[[], Awaitable[None]]:
    """Return what opens a database's client, or raises DependencyError."""

    async def ask() -> None:
        try:
            await database.open()
        except FAILURES_OF_CREDENTIALS as error:
            raise dependency_error_of(error, environ, DYNAMODB) from error

    return ask


class Sampler:
    """Checks every dependency again and again, in the background."""

    def __init__(self, health: Health, probes: Sequence[Probe]) -> None:
        self._health = health
        self._probes = probes
        for probe in probes:
            health.expect(probe.dependency)

    async def run(self) -> None:
        """Check all while the process runs."""
        async with asyncio.TaskGroup() as group:
            for probe in self._probes:
                group.create_task(self._repeat(probe))

    async def _repeat(self, probe: Probe) -> None:
        rhythm = self._health.rhythm
        while True:
            await self._take(probe)
            self._health.forget()
            await rhythm.sleep(uniform(*rhythm.sample_every))  # noqa: S311 - no secret

    async def _take(self, probe: Probe) -> None:
        rhythm = self._health.rhythm
        began = rhythm.monotonic()
        try:
            async with asyncio.timeout(rhythm.probe_within):
                await probe.ask()
        except DependencyError as obstacle:
            self._health.failed(probe.dependency, obstacle)
        except TimeoutError:
            within = {"seconds": f"{rhythm.probe_within:g}"}
            slow = DependencyError(SLOW, within, serious=probe.urgent())
            self._health.failed(probe.dependency, slow)
        except Exception:  # noqa: BLE001 - see below
            # A probe with a bug must not end the checks of all the others.
            _log.exception("probe_broken", dependency=probe.dependency.name)
            self._health.failed(probe.dependency, DependencyError(UNKNOWN))
        else:
            took = round((rhythm.monotonic() - began) * 1000, 1)
            timed = probe.dependency.measures == "responseTime"
            self._health.succeeded(probe.dependency, took if timed else None)
