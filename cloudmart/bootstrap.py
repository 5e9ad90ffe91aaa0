"""The composition root: open what the service talks to, build what it consists of."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cloudmart.access.gate import Gate
from cloudmart.access.ways import build_gate
from cloudmart.ai.allowance import Allowance
from cloudmart.ai.archive import ChatArchive
from cloudmart.ai.assistants import Assistant, Assistants, DisabledAssistant
from cloudmart.ai.audit import Audit
from cloudmart.ai.budget import TokenBudget
from cloudmart.ai.conversations import ConversationRepository, Kind
from cloudmart.ai.desk import OrderDesk
from cloudmart.ai.loop import Loop
from cloudmart.ai.ports import ChatModel
from cloudmart.ai.sentiment import Sentiment
from cloudmart.ai.service import AssistantService
from cloudmart.ai.tools import Toolbox
from cloudmart.ai.units import SentimentUnits
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.secret import SharedSecret
from cloudmart.dynamodb.table import Table
from cloudmart.errors import ProviderDisabledError
from cloudmart.health import dependencies
from cloudmart.health.aws_environment import open_session
from cloudmart.health.background import in_background, unending
from cloudmart.health.board import Health
from cloudmart.health.causes import ObstacleError
from cloudmart.health.causes.process import CLOCK_CORRECTED
from cloudmart.health.process import Process
from cloudmart.orders.idempotency import IdempotencyKeys
from cloudmart.orders.repository import OrderRepository
from cloudmart.orders.service import OrderService
from cloudmart.pipeline.monitor import PipelineMonitor
from cloudmart.pipeline.opening import OpenPipeline, open_pipeline
from cloudmart.products.repository import ProductRepository
from cloudmart.provider_health import observed
from cloudmart.rates.counter import Counter, StoredCounter
from cloudmart.rates.lookups import FailedLookups
from cloudmart.rates.memory import BoundedStorage
from cloudmart.settings import DynamoDBTransport, Environment, Settings
from cloudmart.tickets.repository import TicketRepository
from cloudmart.upkeep import (
    Upkeep,
    show_access,
    show_order_tools,
    show_providers,
    telling_of_issuer,
)
from cloudmart.vendors import Vendors

Services = dict[type[Any], Any]
"""What an endpoint may ask for, by its type."""


@asynccontextmanager
async def open_clients(settings: Settings) -> AsyncIterator[Database]:
    """Open the connections of a command, and close them at its end."""
    session = open_session(settings.aws.region, os.environ)
    database = Database(session, within=settings.dynamodb.timeout)
    try:
        await database.open()
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_service(
    settings: Settings,
    process: Process,
    vendors: Vendors,
    open_pipeline: OpenPipeline = open_pipeline,
    counter: Counter | None = None,
) -> AsyncIterator[Services]:
    """Give the services; they can do their work once what they need is there."""
    serving = _database(settings, process)
    upkeep = Upkeep(settings, process, serving)
    show_providers(settings, vendors, process.health)
    vendors = observed(settings, vendors, process.health)
    show_access(settings, process.health)
    show_order_tools(settings, process.health)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(serving.close)
        stack.push_async_callback(upkeep.probing.close)
        pipeline = await stack.enter_async_context(
            open_pipeline(settings, process.session, serving)
        )
        stores = Stores.of(settings, serving)
        repeated = [*pipeline.works(settings.pipeline), stores.budget.run]
        works = [*upkeep.works(), *map(unending, repeated)]
        await stack.enter_async_context(in_background(process.health.lifecycle, *works))
        gate = build_gate(settings.access, telling_of_issuer(process.health))
        stack.push_async_callback(gate.close)
        yield build_services(settings, stores, vendors, counter) | {
            Health: process.health,
            PipelineMonitor: pipeline.monitor,
            Gate: gate,
        }


def build_services(
    settings: Settings, stores: "Stores", vendors: Vendors, counter: Counter | None = None
) -> Services:
    """Return the services an endpoint may ask for; clients are counted by process by default."""
    lookups = FailedLookups(counter or StoredCounter(BoundedStorage()))
    services = [
        stores.products,
        stores.orders,
        OrderService(stores.orders, stores.products, IdempotencyKeys(stores.secret), lookups),
        stores.tickets,
        _assistants(settings, stores, vendors, lookups),
        ChatArchive(
            stores.tickets,
            stores.conversations,
            Sentiment(
                stores.conversations,
                vendors.sentiment,
                instead=vendors.instead,
                units=stores.units,
            ),
        ),
    ]
    return {type(service): service for service in services}


def _database(settings: Settings, process: Process) -> Database:
    """Return what serves requests; health tells if the pod's clock had to be corrected."""

    def corrected(off: timedelta) -> None:
        minutes = {"minutes": f"{abs(off.total_seconds()) / 60:.0f}"}
        obstacle = ObstacleError(CLOCK_CORRECTED, minutes, serious=False) if off else None
        process.health.remark(dependencies.CLOCK, obstacle)

    return Database(
        process.session,
        within=settings.dynamodb.timeout,
        direct=settings.dynamodb.transport is DynamoDBTransport.DIRECT,
        corrected=corrected,
    )


@dataclass(frozen=True, slots=True)
class Stores:
    """The tables, as the domains see them."""

    products: ProductRepository
    orders: OrderRepository
    tickets: TicketRepository
    conversations: ConversationRepository
    budget: TokenBudget
    allowance: Allowance
    units: SentimentUnits
    secret: SharedSecret

    @classmethod
    def of(cls, settings: Settings, database: Database) -> "Stores":
        """Return the stores in a database."""
        names, chats = settings.dynamodb, settings.assistant
        orders = Table(database, names.orders_table)
        conversations = Table(database, names.conversations_table)
        return cls(
            ProductRepository(Table(database, names.products_table)),
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
    told: Settings, stores: Stores, vendors: Vendors, lookups: FailedLookups
) -> Assistants:
    settings = told.assistant
    desk = OrderDesk(
        stores.orders,
        stores.conversations,
        audit=Audit(stores.secret),
        allowance=stores.allowance,
        lookups=lookups,
        policy=settings.order_tools,
        local=told.environment is Environment.LOCAL,
    )
    toolbox = Toolbox(stores.products, desk)

    def assistant(kind: Kind, model: ChatModel | ProviderDisabledError) -> Assistant:
        if isinstance(model, ProviderDisabledError):
            return DisabledAssistant(str(model))
        return AssistantService(
            kind,
            model.name,
            Loop(model, toolbox, stores.budget, max_steps=settings.max_steps),
            conversations=stores.conversations,
            desk=desk,
            budget=stores.budget,
            turn_timeout=settings.turn_timeout,
            believes=not told.access.signed_in,
        )

    return Assistants(
        openai=assistant(Kind.THREAD, vendors.openai),
        bedrock=assistant(Kind.CONVERSATION, vendors.bedrock),
    )
