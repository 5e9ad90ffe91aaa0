"""The application in this process on a test clock, seen as Kubernetes sees a pod."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudmart.app import create_app
from cloudmart.composition.runtime import Runtime
from cloudmart.health.secrets_manager import SecretVersion
from cloudmart.health.state import Health, Lifecycle
from cloudmart.settings import Settings
from tests.support.clock import Clock

PROBES = 7
"""The tasks that sleep between two checks."""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod for a test: it can be probed, and its clock can be moved."""

    app: ASGIApp
    client: httpx2.AsyncClient
    clock: Clock
    health: Health

    @property
    def lifecycle(self) -> Lifecycle:
        """Return the state of the process."""
        return self.health.lifecycle

    async def is_ready(self) -> bool:
        """Return the answer to the readiness probe."""
        return (await self.client.get("/ready")).status_code == 200

    async def report(self, path: str = "/health") -> dict[str, Any]:
        """Return the answer to a probe."""
        report: dict[str, Any] = (await self.client.get(path)).json()
        return report

    async def check(self, key: str) -> dict[str, Any]:
        """Return what health says about one dependency."""
        check: dict[str, Any] = (await self.report())["checks"][key][0]
        return check

    async def waits(self) -> None:
        """Wait until an attempt of the start has failed and the start sleeps."""
        await self.clock.all_asleep()

    def tries_again(self) -> None:
        """Let the start try once more."""
        self.clock.advance(self.health.rhythm.longest_wait)

    async def checks_everything(self, probes: int = PROBES) -> None:
        """Wait until all dependencies were checked."""
        await self.clock.all_asleep(probes)

    async def checks_again(self, probes: int = PROBES) -> None:
        """Move the clock until all dependencies were checked again."""
        self.clock.advance(self.health.rhythm.sample_every[1])
        await self.checks_everything(probes)

    async def gives_up(self) -> None:
        """Move the clock until the process ends."""
        while not self.lifecycle.ending:
            if self.clock.sleeping:
                self.tries_again()
            await asyncio.sleep(0.005)


@asynccontextmanager
async def pod(
    settings: Settings,
    *,
    secret: SecretVersion | None = None,
    **rhythm: Any,  # noqa: ANN401
) -> AsyncIterator[Pod]:
    """Run a pod while the context lasts. Its settings may come from a secret."""
    clock = Clock()
    health = Health(rhythm=replace(clock.rhythm, **rhythm))
    process = Runtime.begin(settings, health)
    if secret:
        process.staleness.follow(secret)
    app = create_app(settings, process=process)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = dict(state or {})
            await app(scope, receive, send)

        transport = httpx2.ASGITransport(with_state)
        async with httpx2.AsyncClient(transport=transport, base_url="http://pod") as client:
            yield Pod(with_state, client, clock, health)
