"""The composition root: open what the service talks to, build what it consists of."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cloudmart.access.authentication import Authentication, AuthenticationScheme
from cloudmart.ai.budget import TokenBudget
from cloudmart.ai.conversations import ConversationKind, ConversationRepository
from cloudmart.ai.ended_chats import ChatArchive
from cloudmart.ai.loop import ToolLoop
from cloudmart.ai.order_changes.service import Allowance, Audit, OrderChanges
from cloudmart.ai.ports import ChatModel
from cloudmart.ai.sentiment import SentimentService, SentimentUnits
from cloudmart.ai.service import Assistant, Assistants, AssistantService, DisabledAssistant
from cloudmart.ai.tools import Toolbox
from cloudmart.composition.background import (
    Background,
    catalogue_reporter,
    issuer_reporter,
    show_access,
    show_order_tools,
    show_providers,
)
from cloudmart.composition.provider_health import observe_providers
from cloudmart.composition.providers import Providers
from cloudmart.composition.runtime import Runtime
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.table import Table
from cloudmart.errors import ProviderDisabledError
from cloudmart.health import state
from cloudmart.health.background import background_task, run_forever
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.process import CLOCK_CORRECTED
from cloudmart.health.command_session import open_for_command
from cloudmart.health.state import Health
from cloudmart.orders.hmac_key import SharedSecret
from cloudmart.orders.repository import OrderRepository
from cloudmart.orders.service import IdempotencyKeys, OrderService
from cloudmart.pipeline.opening import OpenPipeline, open_pipeline
from cloudmart.pipeline.watch.status import PipelineMonitor
from cloudmart.products.catalogue import Catalogue
from cloudmart.products.repository import ProductRepository
from cloudmart.rates.counter import BoundedStorage, RateCounter, StoredCounter
from cloudmart.rates.limiting import FailedLookups
from cloudmart.settings import (
    AccessSettings,
    DynamoDBTransport,
    Environment,
    Settings,
    SignInMethod,
)
from cloudmart.settings.access import parse_admins
from cloudmart.tickets.repository import TicketRepository


def build_authentication(settings: AccessSettings, tell: Callable[[bool], None]) -> Authentication:
    """Return the gate for some settings; `tell` hears whether an issuer gives its keys.

    A way in that is named and not configured, as local mode tolerates it, lets nobody in.
    """
    ways: dict[str, AuthenticationScheme] = {}
    if SignInMethod.BASIC in settings.ways:
        ways["basic"] = _passwords(settings)
    if SignInMethod.JWT in settings.ways:
        ways["bearer"] = _tokens(settings, tell)
    return Authentication(ways, signed_in=settings.signed_in)


# What hashes and what checks signatures takes a while to import: only who needs it waits.
def _passwords(settings: AccessSettings) -> AuthenticationScheme:
    from cloudmart.access.basic import Passwords  # noqa: PLC0415

    return Passwords(parse_admins(settings.admin_users) if settings.admin_users else {})


def _tokens(settings: AccessSettings, tell: Callable[[bool], None]) -> AuthenticationScheme:
    from cloudmart.access.jwks import IssuerKeys  # noqa: PLC0415
    from cloudmart.access.tokens import Tokens  # noqa: PLC0415

    issuer = (settings.issuer or "").rstrip("/")
    url = settings.jwks_url or f"{issuer}/.well-known/jwks.json"
    return Tokens(settings, IssuerKeys(url, settings.algorithm, tell))


Services = dict[type[Any], Any]
"""What an endpoint may ask for, by its type."""


@asynccontextmanager
async def open_clients(settings: Settings) -> AsyncIterator[Database]:
    """Open the connections of a command, and close them at its end."""
    session = await open_for_command(settings.aws.region, os.environ)
    database = Database(session, within=settings.dynamodb.timeout)
    try:
        await database.open()
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_service(
    settings: Settings,
    process: Runtime,
    providers: Providers,
    open_pipeline: OpenPipeline = open_pipeline,
    counter: RateCounter | None = None,
) -> AsyncIterator[Services]:
    """Give the services; they can do their work once what they need is there."""
    serving = _database(settings, process)
    upkeep = Background(settings, process, serving)
    show_providers(settings, providers, process.health)
    providers = observe_providers(settings, providers, process.health)
    show_access(settings, process.health)
    show_order_tools(settings, process.health)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(serving.close)
        stack.push_async_callback(upkeep.probing.close)
        pipeline = await stack.enter_async_context(
            open_pipeline(settings, process.session, serving)
        )
        stores = Stores.of(settings, serving, catalogue_reporter(process.health))
        stack.push_async_callback(stores.catalogue.cache.close)
        repeated = [*pipeline.works(settings.pipeline), stores.budget.run]
        works = [*upkeep.works(stores.catalogue), *map(run_forever, repeated)]
        await stack.enter_async_context(background_task(process.health.lifecycle, *works))
        gate = build_authentication(settings.access, issuer_reporter(process.health))
        stack.push_async_callback(gate.close)
        yield build_services(settings, stores, providers, counter) | {
            Health: process.health,
            PipelineMonitor: pipeline.monitor,
            Authentication: gate,
        }


def build_services(
    settings: Settings, stores: "Stores", providers: Providers, counter: RateCounter | None = None
) -> Services:
    """Return the services an endpoint may ask for; clients are counted by process by default."""
    lookups = FailedLookups(counter or StoredCounter(BoundedStorage()))
    services = [
        stores.catalogue,
        stores.orders,
        OrderService(stores.orders, stores.catalogue, IdempotencyKeys(stores.secret), lookups),
        stores.tickets,
        _assistants(settings, stores, providers, lookups),
        ChatArchive(
            stores.tickets,
            stores.conversations,
            SentimentService(
                stores.conversations,
                providers.sentiment,
                instead=providers.instead,
                units=stores.units,
            ),
        ),
    ]
    return {type(service): service for service in services}


def _database(settings: Settings, process: Runtime) -> Database:
    """Return what serves requests; health tells if the pod's clock had to be corrected."""

    def corrected(off: timedelta) -> None:
        minutes = {"minutes": f"{abs(off.total_seconds()) / 60:.0f}"}
        obstacle = DependencyError(CLOCK_CORRECTED, minutes, serious=False) if off else None
        process.health.remark(state.CLOCK, obstacle)

    return Database(
        process.session,
        within=settings.dynamodb.timeout,
        direct=settings.dynamodb.transport is DynamoDBTransport.DIRECT,
        corrected=corrected,
    )


@dataclass(frozen=True, slots=True)
class Stores:
    """The tables, as the domains see them."""

    catalogue: Catalogue
    orders: OrderRepository
    tickets: TicketRepository
    conversations: ConversationRepository
    budget: TokenBudget
    allowance: Allowance
    units: SentimentUnits
    secret: SharedSecret

    @classmethod
    def of(
        cls,
        settings: Settings,
        database: Database,
        tell_of_catalogue: Callable[[float | None], None] = lambda _: None,
    ) -> "Stores":
        """Return the stores in a database; the catalogue tells when it cannot be read anew."""
        names, chats = settings.dynamodb, settings.assistant
        orders = Table(database, names.orders_table)
        conversations = Table(database, names.conversations_table)
        return cls(
            Catalogue(
                ProductRepository(Table(database, names.products_table)),
                settings.catalogue,
                tell_of_catalogue,
            ),
            OrderRepository(orders, conversations),
            TicketRepository(Table(database, names.tickets_table), conversations),
            ConversationRepository(
                conversations,
                lifetime=timedelta(days=chats.conversation_ttl_days),
                longest_turn=chats.turn_timeout,
            ),
            TokenBudget(
                conversations, conversation=chats.conversation_tokens, daily=chats.daily_tokens
            ),
            Allowance(conversations),
            SentimentUnits(conversations, daily=settings.azure.daily_units),
            SharedSecret(conversations, orders),
        )


def _assistants(
    told: Settings, stores: Stores, providers: Providers, lookups: FailedLookups
) -> Assistants:
    settings = told.assistant
    desk = OrderChanges(
        stores.orders,
        stores.conversations,
        audit=Audit(stores.secret),
        allowance=stores.allowance,
        lookups=lookups,
        policy=settings.order_tools,
        local=told.environment is Environment.LOCAL,
    )
    toolbox = Toolbox(stores.catalogue, desk)

    def assistant(kind: ConversationKind, model: ChatModel | ProviderDisabledError) -> Assistant:
        if isinstance(model, ProviderDisabledError):
            return DisabledAssistant(str(model))
        return AssistantService(
            kind,
            model.name,
            ToolLoop(model, toolbox, stores.budget, max_steps=settings.max_steps),
            conversations=stores.conversations,
            desk=desk,
            budget=stores.budget,
            turn_timeout=settings.turn_timeout,
            believes=not told.access.signed_in,
        )

    return Assistants(
        openai=assistant(ConversationKind.THREAD, providers.openai),
        bedrock=assistant(ConversationKind.CONVERSATION, providers.bedrock),
    )
