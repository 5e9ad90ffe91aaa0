"""Catalogues of several processes on one table, with a test clock."""

from typing import Any

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.table import Table
from cloudmart.products.catalogue import Catalogue
from cloudmart.products.models import Product, ProductCreate
from cloudmart.products.repository import ProductRepository
from cloudmart.settings import CatalogueSettings, Settings

TTL = 2.0
MAX_STALE = 300.0


class World:
    """A table of products, and a clock."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.seconds = 1000.0
        self.told: list[float | None] = []
        """The ages that the catalogues reported."""
        self._products = ProductRepository(Table(database, settings.dynamodb.products_table))

    def process(self, ttl: float = TTL) -> Catalogue:
        """Return the catalogue of another process."""
        settings = CatalogueSettings(ttl=ttl, max_stale=MAX_STALE)
        return Catalogue(self._products, settings, self.told.append, lambda: self.seconds)


async def listed(catalogue: Catalogue) -> list[Any]:
    """Return the names of all products, as a visitor sees them."""
    found = await catalogue.find()
    return [product.name async for page in found.pages for product in page.items]


async def shown(catalogue: Catalogue, product_id: str) -> bytes:
    """Return a product as a visitor sees it."""
    return (await catalogue.get(product_id)).document.plain


def named(name: str, price: float = 20) -> ProductCreate:
    """Return the change of a product."""
    return ProductCreate.model_validate({"name": name, "price": price})


def product(name: str, price: float = 20) -> Product:
    """Return a new product."""
    return Product.create(named(name, price))
