"""A shop for the assistants, without HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aioboto3
import pytest

from cloudmart.ai.chat_archive import ChatArchive
from cloudmart.ai.ports import ChatModel
from cloudmart.ai.service import Assistant, Assistants
from cloudmart.composition.providers import Providers
from cloudmart.composition.services import Services, Stores, build_services
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import Table
from cloudmart.rates.counter import LocalCounter
from cloudmart.settings import AssistantSettings, Settings
from cloudmart.tickets.models import Ticket
from cloudmart.tickets.repository import TicketRepository
from tests.support.scripted_chat import ScriptedChat
from tests.support.scripted_sentiment import ScriptedSentiment
from tests.support.shop_tables import CALL_WITHIN

MOMENT = "2026-11-23T08:00:00.000Z"


class Shop:
    """The assistants with a model, and their tables."""

    def __init__(self, settings: Settings, database: Database) -> None:
        names = settings.dynamodb
        self.orders = Table(database, names.orders_table)
        self.products = Table(database, names.products_table)
        self.conversations = Table(database, names.conversations_table)
        self._settings = settings
        self._database = database

    def assistant(self, model: ChatModel, **settings: Any) -> Assistant:  # noqa: ANN401
        """Return the assistant for a model, with some settings."""
        chats: Assistants = self._services(model, **settings)[Assistants]
        return chats.openai

    def archive(self) -> ChatArchive:
        """Return the archive of ended chats."""
        archive: ChatArchive = self._services(ScriptedChat())[ChatArchive]
        return archive

    def without_tickets(self) -> "Shop":
        """Return the same shop, with a table of tickets that does not answer."""
        names = self._settings.dynamodb.model_copy(update={"tickets_table": "nowhere"})
        return Shop(self._settings.model_copy(update={"dynamodb": names}), self._database)

    async def tickets(self) -> list[Ticket]:
        """Return the tickets as they are stored."""
        names = self._settings.dynamodb
        repository = TicketRepository(
            Table(self._database, names.tickets_table), self.conversations
        )
        return [ticket async for page in repository.list_all() for ticket in page.items]

    def _services(self, model: ChatModel, **settings: Any) -> Services:  # noqa: ANN401
        changed = {"assistant": AssistantSettings(**settings)}
        changed_settings = self._settings.model_copy(update=changed)
        return build_services(
            changed_settings,
            Stores.of(changed_settings, self._database),
            Providers(model, model, ScriptedSentiment("none"), ScriptedSentiment("none")),
            LocalCounter(),
        )

    async def place(self, order_id: str, email: str | None, **attributes: Any) -> Item:  # noqa: ANN401
        """Store an order and return its item."""
        line = {"productId": "1", "name": "Desk lamp", "quantity": 2, "price": 20}
        order = {
            "id": order_id,
            "userEmail": email,
            "items": [line],
            "total": 40,
            "status": "Pending",
            "createdAt": MOMENT,
            "updatedAt": MOMENT,
        }
        item = {k: v for k, v in (order | attributes).items() if v is not None}
        await self.orders.put(item, new=True)
        return await self.order(order_id)

    async def order(self, order_id: str) -> Item:
        """Return an order as it is stored."""
        item = await self.orders.get(order_id)
        assert item is not None
        return item

    async def conversation(self, conversation: str) -> Item:
        """Return a conversation as it is stored."""
        item = await self.conversations.get(conversation)
        assert item is not None
        return item

    async def history(self, conversation: str) -> list[tuple[str, str]]:
        """Return what was said in a conversation, as it is stored."""
        spoken = (await self.conversation(conversation)).get("history", [])
        return [(message["role"], message["text"]) for message in spoken]


@pytest.fixture(scope="session")
def session(engine: str) -> aioboto3.Session:  # noqa: ARG001 - its credentials
    """Provide one AWS session for all shops, because making one takes longer than most tests."""
    return new_session()


@asynccontextmanager
async def open_shop(settings: Settings, session: aioboto3.Session) -> AsyncIterator[Shop]:
    """Open a shop on the DynamoDB that the environment names."""
    database = Database(session, within=CALL_WITHIN)
    await database.open()
    try:
        yield Shop(settings, database)
    finally:
        await database.close()


@pytest.fixture
async def shop(settings: Settings, session: aioboto3.Session) -> AsyncIterator[Shop]:
    """Provide a shop with empty tables."""
    async with open_shop(settings, session) as shop:
        yield shop
