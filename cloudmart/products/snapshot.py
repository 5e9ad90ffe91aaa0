"""All products as they were at one moment, written as JSON once."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from cloudmart.http.etag import Representation
from cloudmart.http.paging import encode_list
from cloudmart.products.models import Product
from cloudmart.values.page import Page, Pages
from cloudmart.values.text import searchable

Item = Mapping[str, Any]

_PAGE = 500
"""The products of one page, as the table gives them."""

_LARGE_PAGE = 512 * 1024
"""Bytes of JSON after which a page ends, however few its products are."""

_DIGEST = 12


@dataclass(frozen=True, slots=True)
class ProductEntry:
    """A product, its JSON, and the item it was read from, which is None after our own change."""

    product: Product
    answer: Representation
    digest: bytes
    item: Item | None = None
    faults: Sequence[str] = ()
    """The attributes of the item that cannot be read."""

    @classmethod
    def of(cls, product: Product) -> "ProductEntry":
        """Return the entry of a product."""
        json = encode_list(Product, [product])[1:-1]
        digest = blake2b(json, digest_size=_DIGEST).digest()
        return cls(product, Representation(digest.hex(), lambda: json), digest)

    @classmethod
    def read(cls, item: Item, former: "ProductEntry | None" = None) -> "ProductEntry":
        """Return the entry of a stored item: the former one, where it shows the same."""
        if former is not None and former.item is not None and _is_same(former.item, item):
            Product.report_faults(item, former.faults)
            return former
        product, faults = Product.read_with_faults(item)
        fresh = cls.of(product)
        if former is not None and former.digest == fresh.digest:
            fresh = former
        return cls(fresh.product, fresh.answer, fresh.digest, item, faults)


def _is_same(one: Item, other: Item) -> bool:
    # To Python a number of DynamoDB equals a boolean, which is shown otherwise.
    return one == other and all(type(one[name]) is type(other[name]) for name in one)


class CatalogueSnapshot:
    """The products in the order of the table, by id."""

    def __init__(
        self, entries: Mapping[str, ProductEntry], former: "CatalogueSnapshot | None" = None
    ) -> None:
        """Take the entries; what was made of an equal former snapshot is kept."""
        self.entries = entries
        digests = b"".join(entry.digest for entry in entries.values())
        version = blake2b(digests, digest_size=_DIGEST).hexdigest()
        self.version = version
        equal = former is not None and former.version == version
        self.whole: Representation = (
            former.whole if former and equal else Representation(version, self._written)
        )

    def with_entry(self, entry: ProductEntry) -> "CatalogueSnapshot":
        """Return the snapshot with a product changed, or added at its end."""
        return CatalogueSnapshot({**self.entries, entry.product.id: entry}, self)

    def without(self, product_id: str) -> "CatalogueSnapshot":
        """Return the snapshot without a product."""
        kept = {key: entry for key, entry in self.entries.items() if key != product_id}
        return CatalogueSnapshot(kept, self)

    def renewed(self, entries: Mapping[str, ProductEntry]) -> "CatalogueSnapshot":
        """Return the snapshot of newer entries: this one, where nothing has changed."""
        if len(entries) == len(self.entries) and all(
            one is other for one, other in zip(entries.values(), self.entries.values(), strict=True)
        ):
            return self
        return CatalogueSnapshot(entries, self)

    async def pages(
        self, *, containing: str, after: str | None, page_size: int | None
    ) -> Pages[Product]:
        """Yield the products as the table's pages would."""
        wanted = searchable(containing)
        most = min(page_size or _PAGE, _PAGE) if not wanted else _PAGE
        part: list[Product] = []
        size = 0
        for entry in self._after(after):
            if len(part) == most or size >= _LARGE_PAGE:
                yield _matching(Page(part, last=False), wanted)
                # A search through thousands lets others have a turn.
                await asyncio.sleep(0)
                part, size = [], 0
            part.append(entry.product)
            size += len(entry.answer.plain)
        yield _matching(Page(part, last=True), wanted)

    def _after(self, product_id: str | None) -> Iterator[ProductEntry]:
        rest = iter(self.entries.items())
        if product_id is not None:
            next(key for key, _ in rest if key == product_id)
        return (entry for _, entry in rest)

    def _written(self) -> bytes:
        return b"[" + b",".join(entry.answer.plain for entry in self.entries.values()) + b"]"


def _matching(page: Page[Product], wanted: str) -> Page[Product]:
    return page.filter(lambda product: wanted in searchable(product.name)) if wanted else page
