"""Starts the background work of a process: the start, the checks, newer configuration."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from cloudmart.ai.prompts import assistant_prompt
from cloudmart.composition.clients import OpenClients
from cloudmart.composition.runtime import Runtime
from cloudmart.dynamodb.table import Table
from cloudmart.health import state
from cloudmart.health.background import restart_when_stale, run_forever, start_and_check
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.process import CATALOGUE_OLD
from cloudmart.health.configuration_drift import fingerprint
from cloudmart.health.identity import Identity
from cloudmart.health.probes import Probe, connected, table_probe
from cloudmart.health.startup import StartStep
from cloudmart.health.state import Dependency, Health
from cloudmart.observability.metrics import (
    CONFIGURATION,
    LOOP_LAG,
    MEMORY_LIMIT,
    PROMPT,
    READY,
)
from cloudmart.products.catalogue import Catalogue
from cloudmart.settings import (
    DynamoDBSettings,
    Environment,
    OrderTools,
    Settings,
    SignInMethod,
)

CGROUP = Path("/sys/fs/cgroup")

_EVERY = 0.5
_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
"""Where the kernel tells a container's limit: control groups of version 2, and of version 1."""
_NO_LIMIT = 2**60
"""More than this is version 1's word for no limit."""

_FOR_CATALOGUE = 1.0
"""Seconds that the start waits for the products; then it is ready without them."""

Work = Coroutine[Any, Any, None]


class Background:
    """The background work of a process."""

    def __init__(self, settings: Settings, process: Runtime, clients: OpenClients) -> None:
        self._settings = settings
        self._process = process
        self._clients = clients
        self._identity = Identity(process.session, process.environ)
        self._staleness = process.staleness
        _show_configuration(settings, process)
        show_memory_limit()

    def works(self, catalogue: Catalogue) -> list[Work]:
        """Return the work that runs as long as the process lives."""
        health = self._process.health
        READY.set_function(lambda: health.unready() is None)
        steps = self._steps(catalogue)
        works = [
            start_and_check(health, self._process.patience, steps, self._probes()),
            run_forever(watch_event_loop),
        ]
        if self._settings.startup.restart_on_stale_config:
            works.append(run_forever(partial(restart_when_stale, health, self._staleness)))
        return works

    def _steps(self, catalogue: Catalogue) -> list[StartStep]:
        """Return what the start waits for, one after the other."""
        environ = self._process.environ
        return [
            StartStep("credentials", self._identity.obtain, state.CREDENTIALS),
            StartStep("a connection to the data store", connected(self._clients.probing, environ)),
            *(
                StartStep(f"the table of {probe.dependency.name}", probe.ask, probe.dependency)
                for probe in self._tables(_needed)
            ),
            StartStep("a connection to the data store", connected(self._clients.serving, environ)),
            # It cannot fail, and the first visitors need not wait for it.
            StartStep("the catalogue", partial(catalogue.cache.load, _FOR_CATALOGUE)),
        ]

    def _probes(self) -> list[Probe]:
        """Return what is checked again and again."""
        identity = self._identity
        return [
            Probe(state.CREDENTIALS, identity.obtain, urgent=identity.exhausted),
            Probe(state.IDENTITY, identity.witness, urgent=lambda: False),
            *self._tables(_needed),
            *self._tables(_optional),
            Probe(state.CONFIGURATION, self._staleness.look, urgent=lambda: False),
        ]

    def _tables(self, choose: Callable[[DynamoDBSettings], dict[Dependency, str]]) -> list[Probe]:
        return [
            table_probe(dependency, Table(self._clients.probing, name), self._process.environ)
            for dependency, name in choose(self._settings.dynamodb).items()
        ]


def _needed(names: DynamoDBSettings) -> dict[Dependency, str]:
    """Return the tables without which there is no shop."""
    return {
        state.PRODUCTS: names.products_table,
        state.ORDERS: names.orders_table,
        state.TICKETS: names.tickets_table,
    }


def _optional(names: DynamoDBSettings) -> dict[Dependency, str]:
    """Return the tables without which the shop is open, but the assistants are not."""
    return {state.CONVERSATIONS: names.conversations_table}


def show_access(settings: Settings, health: Health) -> None:
    """Show in health how callers prove who they are, with a warning if they need not."""
    access = settings.access
    ways = ", ".join(access.ways) or "off"
    orders = "signed-in" if access.signed_in else "open"
    health.notes.append(f"access {ways}, customer orders {orders}")
    if access.ways:
        health.enable(state.ACCESS)
        if SignInMethod.JWT in access.ways:
            health.enable(state.ISSUER)
    elif settings.environment is not Environment.LOCAL:
        reason = "AUTH is off: anyone may change products and read all orders."
        health.disable(state.ACCESS, reason, alarming=True)


def show_order_tools(settings: Settings, health: Health) -> None:
    """Show, as a warning, that assistants may change orders of customers who prove nothing."""
    tools, local = settings.assistant.order_tools, settings.environment is Environment.LOCAL
    proved = settings.access.signed_in and tools is OrderTools.CANCEL
    if tools in {OrderTools.CANCEL, OrderTools.DELETE} and not local and not proved:
        who = "a customer who has signed in" if settings.access.signed_in else "anybody"
        health.warn(
            state.ORDER_TOOLS,
            f"AI_ORDER_TOOLS={tools} lets {who} {tools} an order in a chat by its id and its "
            "e-mail address. With `auto` only a customer with a token can do this, and can only "
            "cancel.",
        )


def catalogue_reporter(health: Health) -> Callable[[float | None], None]:
    """Return what shows whether the copy of the products can be read again."""

    def tell(age: float | None) -> None:
        obstacle = None if age is None else DependencyError(CATALOGUE_OLD, serious=False)
        health.remark(state.CATALOGUE, obstacle)

    return tell


def _show_configuration(settings: Settings, process: Runtime) -> None:
    mark = fingerprint(settings)
    CONFIGURATION.labels(mark).set(1)
    PROMPT.labels(assistant_prompt().version).set(1)
    process.health.notes.append(f"configuration {mark}")


async def watch_event_loop(
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, every: float = _EVERY
) -> None:
    """Measure how late a task is woken, while the process runs."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + every
        await sleep(every)
        LOOP_LAG.observe(max(0.0, clock() - due))


def show_memory_limit(cgroup: Path = CGROUP) -> None:
    """Show the container's limit of memory, which does not change while it runs."""
    MEMORY_LIMIT.set(_memory_limit(cgroup))


def _memory_limit(cgroup: Path) -> float:
    for name in _LIMITS:
        try:
            limit = int((cgroup / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        return limit if limit < _NO_LIMIT else math.nan
    return math.nan
