"""Everything that a process opens: opened in one place, and closed in reverse."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import aioboto3

from cloudmart.access.authentication import Authentication, AuthenticationScheme
from cloudmart.composition.providers import Providers, observe_providers, show_providers
from cloudmart.composition.runtime import Runtime
from cloudmart.dynamodb.client import Database
from cloudmart.health import state
from cloudmart.health.aws_environment import open_for_command
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.process import CLOCK_CORRECTED, COUNTED_APART, KEYS_AWAY
from cloudmart.health.state import Health, HealthReporter, always
from cloudmart.observability.dependency_reporter import Reporter
from cloudmart.pipeline.opening import OpenPipeline, Pipeline
from cloudmart.rates.counter import LocalCounter, RateCounter
from cloudmart.rates.limiting import rate_limits_of
from cloudmart.rates.redis_counter import SharedCounter
from cloudmart.settings import AccessSettings, DynamoDBTransport, Settings, SignInMethod
from cloudmart.settings.access import parse_admins

OpenProviders = Callable[[Settings, aioboto3.Session], AbstractAsyncContextManager[Providers]]


@dataclass(frozen=True, slots=True)
class OpenClients:
    """The service's clients; `counter` counts requests for the rate limits.

    Checks have a database client of their own, `probing`: they measure the store, not our load. The
    start connects both, and waits for what they need. `closing` first closes what is built over
    them.
    """

    counter: RateCounter
    providers: Providers
    serving: Database
    probing: Database
    pipeline: Pipeline
    gate: Authentication
    closing: AsyncExitStack


def open_counter(settings: Settings, health: Health) -> RateCounter:
    """Return the counter of the rate limits, not yet connected.

    Health shows whether replicas count together.
    """
    local = LocalCounter()
    if storage := settings.limits.storage:
        health.enable(state.RATE_LIMITS)
        reporter = HealthReporter(health, state.RATE_LIMITS, always(COUNTED_APART))
        return SharedCounter(storage.get_secret_value(), local, reporter)
    if rate_limits_of(settings):
        health.notes.append("rate limits are counted by each process for itself")
    return local


@asynccontextmanager
async def open_clients(
    settings: Settings,
    process: Runtime,
    counter: RateCounter,
    open_providers: OpenProviders,
    open_pipeline: OpenPipeline,
) -> AsyncIterator[OpenClients]:
    """Give all that is open while the service serves.

    The counter is made before: the middleware has it from the beginning. It is closed here.
    """
    health = process.health
    async with AsyncExitStack() as stack:
        stack.push_async_callback(counter.close)
        providers = await stack.enter_async_context(open_providers(settings, process.session))
        show_providers(settings, providers, health)
        serving = _serving(settings, process)
        stack.push_async_callback(serving.close)
        probing = _database(settings, process)
        stack.push_async_callback(probing.close)
        opening = open_pipeline(settings, process.session, serving)
        pipeline = await stack.enter_async_context(opening)
        issuer = HealthReporter(health, state.ISSUER, always(KEYS_AWAY))
        gate = build_authentication(settings.access, issuer)
        stack.push_async_callback(gate.close)
        providers = observe_providers(settings, providers, health)
        yield OpenClients(counter, providers, serving, probing, pipeline, gate, stack)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Open the one connection that a command needs, and close it at its end."""
    session = await open_for_command(settings.aws.region, os.environ)
    database = Database(session, within=settings.dynamodb.timeout)
    try:
        await database.open()
        yield database
    finally:
        await database.close()


def build_authentication(settings: AccessSettings, issuer: Reporter) -> Authentication:
    """Return the gate for some settings; `issuer` hears whether the issuer's keys can be fetched.

    A method that AUTH names and that is not configured, as local mode tolerates it, lets nobody in.
    """
    ways: dict[str, AuthenticationScheme] = {}
    if SignInMethod.BASIC in settings.ways:
        ways["basic"] = _passwords(settings)
    if SignInMethod.JWT in settings.ways:
        ways["bearer"] = _tokens(settings, issuer)
    return Authentication(ways, signed_in=settings.signed_in)


# What hashes and what checks signatures takes a while to import: only who needs it waits.
def _passwords(settings: AccessSettings) -> AuthenticationScheme:
    from cloudmart.access.basic import Passwords  # noqa: PLC0415

    return Passwords(parse_admins(settings.admin_users) if settings.admin_users else {})


def _tokens(settings: AccessSettings, reporter: Reporter) -> AuthenticationScheme:
    from cloudmart.access.jwks import IssuerKeys  # noqa: PLC0415
    from cloudmart.access.tokens import Tokens  # noqa: PLC0415

    return Tokens(settings, IssuerKeys(settings, reporter))


def _serving(settings: Settings, process: Runtime) -> Database:
    """Return what serves requests; health tells if the pod's clock had to be corrected."""

    def corrected(off: timedelta) -> None:
        minutes = {"minutes": f"{abs(off.total_seconds()) / 60:.0f}"}
        obstacle = DependencyError(CLOCK_CORRECTED, minutes, serious=False) if off else None
        process.health.remark(state.CLOCK, obstacle)

    return _database(settings, process, corrected)


def _database(
    settings: Settings, process: Runtime, corrected: Callable[[timedelta], None] = lambda _: None
) -> Database:
    return Database(
        process.session,
        within=settings.dynamodb.timeout,
        direct=settings.dynamodb.transport is DynamoDBTransport.DIRECT,
        corrected=corrected,
    )
