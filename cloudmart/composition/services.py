"""Builds the objects of the service from the open clients."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cloudmart.access.authentication import Authentication
from cloudmart.ai.budget import TokenBudget
from cloudmart.ai.chat_archive import ChatArchive
from cloudmart.ai.confirmations import Confirmations
from cloudmart.ai.conversations import ConversationKind, ConversationRepository
from cloudmart.ai.help_search import HelpIndex
from cloudmart.ai.order_changes import (
    Allowance,
    Audit,
    ChangeExecutor,
    OrderChanges,
    OrderFinder,
    OrderPolicy,
)
from cloudmart.ai.ports import ChatModel
from cloudmart.ai.sentiment import SentimentService, SentimentUnits
from cloudmart.ai.service import (
    Assistant,
    Assistants,
    AssistantService,
    ChatRules,
    DisabledAssistant,
    ToolLoop,
)
from cloudmart.ai.ticket_requests import TicketRequests
from cloudmart.ai.tools import Toolbox
from cloudmart.composition.background import (
    Background,
    catalogue_reporter,
    show_access,
    show_order_tools,
)
from cloudmart.composition.clients import OpenProviders, open_clients
from cloudmart.composition.providers import Providers
from cloudmart.composition.runtime import Runtime
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.table import Table
from cloudmart.errors import ProviderDisabledError
from cloudmart.health.background import background_task, run_forever
from cloudmart.health.state import Health
from cloudmart.orders.hmac_key import SharedSecret
from cloudmart.orders.repository import OrderRepository
from cloudmart.orders.service import IdempotencyKeys, OrderService
from cloudmart.pipeline.invariants.checks import Invariants
from cloudmart.pipeline.invariants.schedule import InvariantSchedule
from cloudmart.pipeline.opening import OpenPipeline, Pipeline
from cloudmart.pipeline.watch.status import PipelineMonitor
from cloudmart.products.catalogue import Catalogue
from cloudmart.products.repository import ProductRepository
from cloudmart.rates.counter import RateCounter
from cloudmart.rates.limiting import FailedLookups
from cloudmart.settings import Environment, Settings, TicketTools
from cloudmart.tickets.repository import TicketRepository

Services = dict[type[Any], Any]
"""What an endpoint can depend on, by its type."""


@asynccontextmanager
async def open_service(
    settings: Settings,
    process: Runtime,
    counter: RateCounter,
    open_providers: OpenProviders,
    open_pipeline: OpenPipeline,
) -> AsyncIterator[Services]:
    """Give the services; they can do their work once what they need is there."""
    health = process.health
    opening = open_clients(settings, process, counter, open_providers, open_pipeline)
    async with opening as clients:
        stores = Stores.of(settings, clients.serving, catalogue_reporter(health))
        clients.closing.push_async_callback(stores.catalogue.cache.close)
        repeated = [
            *clients.pipeline.works(settings.pipeline),
            *_invariants(settings, stores, clients.pipeline),
            stores.budget.run,
        ]
        works = Background(settings, process, clients).works(stores.catalogue)
        show_access(settings, health)
        show_order_tools(settings, health)
        async with background_task(health.lifecycle, *works, *map(run_forever, repeated)):
            yield build_services(settings, stores, clients.providers, clients.counter) | {
                Health: health,
                PipelineMonitor: clients.pipeline.monitor,
                Authentication: clients.gate,
            }


def _invariants(
    settings: Settings, stores: "Stores", pipeline: Pipeline
) -> list[Callable[[], Awaitable[None]]]:
    told = settings.invariants
    local = settings.environment is Environment.LOCAL
    if not told.every or (local and "every" not in told.model_fields_set):
        return []
    invariants = Invariants(pipeline.orders, pipeline.questions, stores.catalogue, told)
    return [InvariantSchedule(invariants, stores.notes, told.every).run]


def build_services(
    settings: Settings, stores: "Stores", providers: Providers, counter: RateCounter
) -> Services:
    """Return the services an endpoint may ask for; `counter` counts clients."""
    lookups = FailedLookups(counter)
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


@dataclass(frozen=True, slots=True)
class Stores:
    """The tables, as the domains see them."""

    catalogue: Catalogue
    orders: OrderRepository
    notes: Table
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
        """Return the stores in a database; the catalogue reports when it cannot be read again."""
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
            conversations,
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


@dataclass(frozen=True, slots=True)
class AssistantTools:
    """What assistants may do for a customer, and what the customer confirms."""

    toolbox: Toolbox
    confirmations: Confirmations

    @classmethod
    def of(cls, settings: Settings, stores: Stores, lookups: FailedLookups) -> "AssistantTools":
        """Return the tools over some stores; `lookups` counts what clients fail to find."""
        chats = settings.assistant
        changes = OrderChanges(
            OrderFinder(stores.orders, stores.conversations, lookups),
            ChangeExecutor(stores.orders, Audit(stores.secret), stores.allowance),
            stores.conversations,
            OrderPolicy(chats.order_tools, local=settings.environment is Environment.LOCAL),
        )
        tickets = TicketRequests(
            stores.tickets, stores.conversations, allowed=chats.tickets is TicketTools.ON
        )
        return cls(
            Toolbox(stores.catalogue, HelpIndex(chats.knowledge), changes, tickets),
            Confirmations(stores.conversations, changes, tickets),
        )


def _assistants(
    told: Settings, stores: Stores, providers: Providers, lookups: FailedLookups
) -> Assistants:
    settings = told.assistant
    tools = AssistantTools.of(told, stores, lookups)

    def assistant(kind: ConversationKind, model: ChatModel | ProviderDisabledError) -> Assistant:
        if isinstance(model, ProviderDisabledError):
            return DisabledAssistant(str(model))
        rules = ChatRules(kind, settings.turn_timeout, believes=not told.access.signed_in)
        loop = ToolLoop(model, tools.toolbox, stores.budget, max_steps=settings.max_steps)
        return AssistantService(rules, loop, stores.conversations, tools.confirmations)

    return Assistants(
        openai=assistant(ConversationKind.THREAD, providers.openai),
        bedrock=assistant(ConversationKind.CONVERSATION, providers.bedrock),
    )
