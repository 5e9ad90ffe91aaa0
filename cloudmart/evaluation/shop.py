"""The shop that a case is played in: real tables, the real services, one assistant."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from cloudmart.access.authentication import ANONYMOUS, Caller
from cloudmart.ai.ports import ChatModel
from cloudmart.ai.providers.offline_sentiment import OfflineSentiment
from cloudmart.ai.service import Assistant, Assistants
from cloudmart.composition.providers import Providers
from cloudmart.composition.services import Stores, build_services
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.table import Table
from cloudmart.errors import CloudmartError, NotFoundError
from cloudmart.evaluation.case import CODE, WRONG_CODE, CaseOrder, CaseProduct, EvaluationCase
from cloudmart.evaluation.record import CaseRecord, RecordedTurn, RecordingModel
from cloudmart.local.seed import sample_products, seed_tables
from cloudmart.orders.models import Order, OrderLine
from cloudmart.orders.repository import OrderRepository
from cloudmart.products.models import ProductCreate
from cloudmart.products.repository import ProductRepository
from cloudmart.rates.counter import LocalCounter
from cloudmart.settings import (
    AssistantSettings,
    CatalogueSettings,
    DynamoDBSettings,
    Environment,
    Settings,
    TicketTools,
)
from cloudmart.settings.knowledge import SAMPLE, Knowledge, read_knowledge

_SHOWN_CODE = re.compile(r"reply: CONFIRM (\d{6})")
_numbers = count(1)

_UNLIMITED = {"conversation_tokens": 0, "daily_tokens": 0}
"""An evaluation has its own budget."""


class EvaluationShop:
    """Plays cases, one after the other. Its tables are its own; it is opened with a database."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings.model_copy(
            update={
                "environment": Environment.PRODUCTION,
                "dynamodb": _own_tables(settings.dynamodb),
                "catalogue": CatalogueSettings(ttl=0),
            }
        )
        names = self._settings.dynamodb
        self._database = database
        self._products = ProductRepository(Table(database, names.products_table))
        self._conversations = Table(database, names.conversations_table)
        orders = Table(database, names.orders_table)
        self._orders = OrderRepository(orders, self._conversations)
        self._shelves: dict[str, ProductCreate] = {}

    async def open(self) -> None:
        """Create the tables, without anything in them."""
        await seed_tables(self._database, self._settings.dynamodb, empty=True)

    async def play(self, case: EvaluationCase, model: ChatModel) -> CaseRecord:
        """Hold the conversation of a case with a model, and return what happened."""
        await self._stock(_products_of(case.products))
        record = CaseRecord()
        assistant = self._assistant(case, RecordingModel(model, record))
        placed = [await self._place(order) for order in case.orders]
        try:
            await _converse(case, assistant, record)
            record.orders = {order.id: await self._status(order.id) for order in placed}
        finally:
            for order in placed:
                await self._clear(order.id)
            await self._forget()
        return record

    def _assistant(self, case: EvaluationCase, model: ChatModel) -> Assistant:
        settings = self._settings.model_copy(
            update={"assistant": self._chats(case)},
        )
        mood = OfflineSentiment()
        services = build_services(
            settings,
            Stores.of(settings, self._database),
            Providers(model, model, mood, mood),
            LocalCounter(),
        )
        chosen: Assistants = services[Assistants]
        return chosen.openai

    def _chats(self, case: EvaluationCase) -> AssistantSettings:
        changed = _UNLIMITED | {
            "order_tools": case.order_tools,
            "tickets": TicketTools.ON if case.tickets else TicketTools.OFF,
            "knowledge": _knowledge_of(case.knowledge),
        }
        return self._settings.assistant.model_copy(update=changed)

    async def _stock(self, products: Mapping[str, ProductCreate]) -> None:
        gone = self._shelves.keys() - products.keys()
        await asyncio.gather(*(self._products.remove(key) for key in gone))
        changed = [key for key in products if products[key] != self._shelves.get(key)]
        await asyncio.gather(*(self._products.save(key, products[key]) for key in changed))
        self._shelves = dict(products)

    async def _place(self, told: CaseOrder) -> Order:
        lines = [
            OrderLine(
                product_id=key,
                name=self._shelves[key].name,
                quantity=quantity,
                price=Decimal(self._shelves[key].price),
            )
            for key, quantity in told.lines.items()
        ]
        placed = Order.place(lines, told.email)
        order = placed.model_copy(update={"id": told.id, "status": told.status})
        return await self._orders.add(order)

    async def _status(self, order_id: str) -> str | None:
        try:
            return (await self._orders.get(order_id)).status
        except NotFoundError:
            return None

    async def _clear(self, order_id: str) -> None:
        try:
            await self._orders.remove(order_id)
        except NotFoundError:
            return

    async def _forget(self) -> None:
        """Leave nothing of a case to the next: no count of what a customer may change in a day."""
        async for page in self._conversations.scan(attributes=[]):
            await asyncio.gather(*(self._conversations.remove(item["id"]) for item in page.items))


async def _converse(case: EvaluationCase, assistant: Assistant, record: CaseRecord) -> None:
    conversation = await assistant.start()
    caller = Caller(email=case.signed_in) if case.signed_in else ANONYMOUS
    clock = asyncio.get_running_loop().time
    for text in (turn.say for turn in case.turns for _ in range(turn.times)):
        turn = RecordedTurn(_with_code(text, record.turns))
        record.turns.append(turn)
        began = clock()
        try:
            turn.answer = await assistant.reply(conversation, turn.said, caller=caller)
        except CloudmartError as error:
            turn.error = error.code
        turn.seconds = clock() - began


def _with_code(text: str, turns: Sequence[RecordedTurn]) -> str:
    shown = [code for turn in turns for code in _SHOWN_CODE.findall(turn.answer)]
    code = shown[-1] if shown else "000000"
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    return text.replace(CODE, code).replace(WRONG_CODE, wrong)


def _knowledge_of(text: str | None) -> Knowledge:
    if text is None:
        return read_knowledge(SAMPLE)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "knowledge.md"
        file.write_text(text, "utf-8")
        return read_knowledge(file)


def _products_of(told: Sequence[CaseProduct] | None) -> dict[str, ProductCreate]:
    if told is None:
        return sample_products()
    return {
        each.id: ProductCreate(name=each.name, price=each.price, description=each.description)
        for each in told
    }


def _own_tables(names: DynamoDBSettings) -> DynamoDBSettings:
    prefix = f"evaluation-{next(_numbers)}"
    kinds = ("products", "orders", "tickets", "conversations")
    return names.model_copy(update={f"{kind}_table": f"{prefix}-{kind}" for kind in kinds})
