"""Fills an empty shop: its tables, and sample items in them."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from importlib import resources
from urllib.parse import quote

from cloudmart.ai.conversations import ConversationRepository
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.table import Table
from cloudmart.orders.models import Order, OrderLine
from cloudmart.orders.repository import OrderRepository
from cloudmart.products.models import ProductCreate
from cloudmart.products.repository import ProductRepository
from cloudmart.settings import DynamoDBSettings
from cloudmart.tables.operator_client import write_record
from cloudmart.tables.schema import shop_tables
from cloudmart.tables.steps import table_definition
from cloudmart.tickets.models import Ticket, TicketCreate
from cloudmart.tickets.repository import TicketRepository
from cloudmart.values import ids
from cloudmart.values.timestamp import now, stamp

_TINTS = {"desk": "#e3ebf7", "kitchen": "#e2f1ea", "home": "#fdebdc", "outdoor": "#f4efcf"}

# Every picture stands on the same ground, in the same ink: a shelf gives the wall its colour.
# The subject keeps to the middle 80 by 90, so that a page may crop it square or wide.
_PICTURE = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='480' height='360' viewBox='0 0 160 120'>"
    "<rect width='160' height='120' fill='{tint}'/>"
    "<ellipse cx='80' cy='99' rx='46' ry='5' fill='#2f3b45' opacity='.12'/>"
    "<g fill='none' stroke='#2f3b45' stroke-width='2.5' stroke-linecap='round'"
    " stroke-linejoin='round'>{drawing}</g></svg>"
)


def sample_products() -> dict[str, ProductCreate]:
    """Return the sample products, by id."""
    text = resources.files(__package__).joinpath("catalogue.json").read_text("utf-8")
    return {
        sample["id"]: ProductCreate(
            name=sample["name"],
            description=sample["description"],
            price=sample["price"],
            image=_picture(sample["shelf"], sample["drawing"]),
        )
        for sample in json.loads(text, parse_float=Decimal)
    }


def _picture(shelf: str, drawing: list[str]) -> str:
    svg = _PICTURE.format(tint=_TINTS[shelf], drawing="".join(drawing))
    # Quotes and brackets go encoded, so that the URL may stand in CSS as well.
    return "data:image/svg+xml," + quote(svg, safe="!*,/:;=@?&$+")


async def seed_tables(database: Database, names: DynamoDBSettings, *, empty: bool) -> int:
    """Create the tables in an empty DynamoDB, with samples; return how many products there are."""
    await _create_tables(database, names)
    return 0 if empty else await seed_items(database, names)


async def _create_tables(database: Database, names: DynamoDBSettings) -> None:
    for schema in shop_tables(names):
        await database.call("create_table", **table_definition(schema))
        if schema.items:
            # There are no older items, so none lacks what the indexes are made of.
            await write_record(database.client, schema.notes, schema.items, stamp(now()))


async def seed_items(database: Database, names: DynamoDBSettings) -> int:
    """Put the samples in: the catalogue, an order, a ticket; return how many products there are."""
    products = ProductRepository(Table(database, names.products_table))
    catalogue = sample_products()
    await asyncio.gather(*(products.save(key, product) for key, product in catalogue.items()))
    lamp = catalogue[ids.PRODUCT]
    line = OrderLine(product_id=ids.PRODUCT, name=lamp.name, quantity=1, price=lamp.price)
    order = Order.place([line], ids.CUSTOMER).model_copy(update={"id": ids.ORDER})
    notes = Table(database, names.conversations_table)
    await OrderRepository(Table(database, names.orders_table), notes).add(order)
    asked = TicketCreate(
        subject="Where is my order?",
        message="I ordered a lamp last week and have not heard of it since.",
        user_email=ids.CUSTOMER,
    )
    ticket = Ticket.open(asked).model_copy(update={"id": ids.TICKET})
    await TicketRepository(Table(database, names.tickets_table), notes).add(ticket)
    conversations = ConversationRepository(notes, lifetime=timedelta(days=30), longest_turn=45)
    for key in (ids.THREAD, ids.CONVERSATION):
        await conversations.open(key)
    return len(catalogue)
