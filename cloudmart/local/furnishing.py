"""Furnishing an empty shop: its tables, and something to see in them."""

import asyncio
from datetime import timedelta

from cloudmart.ai.conversations import ConversationRepository
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.create import definition
from cloudmart.dynamodb.index_record import write_record
from cloudmart.dynamodb.schema import tables
from cloudmart.dynamodb.table import Table
from cloudmart.local.catalogue import sample_products
from cloudmart.orders.models import Order, OrderLine
from cloudmart.orders.repository import OrderRepository
from cloudmart.products.repository import ProductRepository
from cloudmart.settings import DynamoDBSettings
from cloudmart.tickets.models import Ticket, TicketCreate
from cloudmart.tickets.repository import TicketRepository
from cloudmart.values import samples
from cloudmart.values.timestamp import now, stamp


async def furnish(database: Database, names: DynamoDBSettings, *, empty: bool) -> int:
    """Furnish a DynamoDB that has no tables; return how many products were put on the shelves."""
    await _create_tables(database, names)
    return 0 if empty else await fill(database, names)


async def _create_tables(database: Database, names: DynamoDBSettings) -> None:
    for schema in tables(names):
        await database.call("create_table", **definition(schema))
        if schema.items:
            # There are no older items, so none lacks what the indexes are made of.
            await write_record(database.client, schema.notes, schema.items, stamp(now()))


async def fill(database: Database, names: DynamoDBSettings) -> int:
    """Put the samples in: the catalogue, an order, a ticket; return how many products there are."""
    products = ProductRepository(Table(database, names.products_table))
    catalogue = sample_products()
    await asyncio.gather(*(products.save(key, product) for key, product in catalogue.items()))
    lamp = catalogue[samples.PRODUCT]
    line = OrderLine(product_id=samples.PRODUCT, name=lamp.name, quantity=1, price=lamp.price)
    order = Order.place([line], samples.CUSTOMER).model_copy(update={"id": samples.ORDER})
    notes = Table(database, names.conversations_table)
    await OrderRepository(Table(database, names.orders_table), notes).add(order)
    asked = TicketCreate(
        subject="Where is my order?",
        message="I ordered a lamp last week and have not heard of it since.",
        user_email=samples.CUSTOMER,
    )
    ticket = Ticket.open(asked).model_copy(update={"id": samples.TICKET})
    await TicketRepository(Table(database, names.tickets_table), notes).add(ticket)
    conversations = ConversationRepository(notes, lifetime=timedelta(days=30), longest_turn=45)
    for key in (samples.THREAD, samples.CONVERSATION):
        await conversations.open(key)
    return len(catalogue)
