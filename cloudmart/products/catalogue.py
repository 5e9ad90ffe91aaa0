"""The catalogue: products from memory, or from their table where memory cannot tell."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cloudmart.errors import UnavailableError
from cloudmart.http.etag import UNCONDITIONAL, Precondition, Representation
from cloudmart.products.cache import CatalogueCache
from cloudmart.products.models import Product, ProductCreate
from cloudmart.products.repository import ProductCheck, ProductRepository
from cloudmart.products.snapshot import ProductEntry
from cloudmart.settings import CatalogueSettings
from cloudmart.values.page import Pages


@dataclass(frozen=True, slots=True)
class Aged:
    """A document, and its age in seconds where it is older than promised."""

    document: Representation
    age: int | None = None


@dataclass(frozen=True, slots=True)
class AgedPages:
    """The pages of a list, and their age in seconds where they are older than promised."""

    pages: Pages[Product]
    age: int | None = None


class Catalogue:
    """The products as customers, assistants and orders see them, and as staff change them.

    Memory may confirm a product, never deny one: what it lacks is read from the table.
    """

    def __init__(
        self,
        products: ProductRepository,
        settings: CatalogueSettings,
        tell: Callable[[float | None], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._products = products
        self.cache = CatalogueCache(products, settings, tell, clock)

    def ready_list(self) -> Representation | None:
        """Return all products as a document, if this needs no waiting."""
        snapshot = self.cache.list_now()
        return snapshot.whole if snapshot else None

    async def whole_list(self) -> Aged | None:
        """Return all products as a document; None where the table is to be read."""
        held = await self.cache.list_soon(ordered=False)
        return Aged(held.snapshot.whole, held.age) if held else None

    async def find(
        self, *, containing: str = "", after: str | None = None, page_size: int | None = None
    ) -> AgedPages:
        """Return pages of the products, or of those whose name contains a text."""
        held = await self.cache.list_soon(ordered=after is not None or page_size is not None)
        if held is None or (after is not None and after not in held.snapshot.entries):
            return AgedPages(
                self._products.list_all(containing=containing, after=after, page_size=page_size)
            )
        pages = held.snapshot.pages(containing=containing, after=after, page_size=page_size)
        return AgedPages(pages, held.age)

    def ready_product(self, product_id: str) -> Representation | None:
        """Return a product as a document, if this needs no waiting."""
        entry = self.cache.entry(product_id)
        return entry.answer if entry else None

    async def get(self, product_id: str) -> Aged:
        """Return a product as a document, or raise NotFoundError."""
        if entry := self.cache.entry(product_id):
            return Aged(entry.answer)
        if self.cache.failing and (stale := self.cache.stale_entry(product_id)):
            return Aged(stale[0].answer, stale[1])
        try:
            return Aged(ProductEntry.of(await self._products.get(product_id)).answer)
        except UnavailableError:
            if stale := self.cache.stale_entry(product_id):
                return Aged(stale[0].answer, stale[1])
            raise

    def offers(self, product_ids: Sequence[str]) -> Mapping[str, Product] | None:
        """Return products for sale as they were at most CATALOGUE_TTL ago; None if one is not."""
        entries = {key: self.cache.certain_entry(key) for key in product_ids}
        offers = {key: entry.product for key, entry in entries.items() if entry}
        if len(offers) < len(entries) or not all(offer.for_sale for offer in offers.values()):
            return None
        return offers

    async def find_many(self, product_ids: Sequence[str]) -> Mapping[str, Product]:
        """Return the products for sale that are in the table now; at most 100."""
        return await self._products.find_many(product_ids)

    async def add(self, product: Product) -> Product:
        """Store a new product; its id must be free."""
        with self.cache.changing(product.id) as change:
            change.result = await self._products.add(product)
        return product

    async def change(
        self, product_id: str, request: ProductCreate, when: Precondition = UNCONDITIONAL
    ) -> Product:
        """Change what a person may change of a product, or raise NotFoundError."""
        with self.cache.changing(product_id) as change:
            change.result = await self._products.change(product_id, request, _checking(when))
        return change.result

    async def remove(self, product_id: str, when: Precondition = UNCONDITIONAL) -> None:
        """Delete a product, or raise NotFoundError."""
        with self.cache.changing(product_id) as change:
            await self._products.remove(product_id, _checking(when))
            change.removed = True


def _checking(when: Precondition) -> ProductCheck | None:
    if not when.is_given:
        return None

    def check(product: Product) -> None:
        answer = ProductEntry.of(product).answer
        when.check(answer.tag, answer.tag_of_gzip)

    return check
