"""Products in their table."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.expression import Condition, Default
from cloudmart.dynamodb.table import Table
from cloudmart.errors import NotFoundError
from cloudmart.products.models import SHOWN, Product, ProductCreate
from cloudmart.values.page import Page, Pages
from cloudmart.values.text import searchable
from cloudmart.values.timestamp import now, stamp

ProductCheck = Callable[[Product], None]
"""Raises an error where a product must not be changed."""


class ProductRepository:
    """The products of the shop."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def budget(self) -> AbstractAsyncContextManager[None]:
        """Give several calls together the time of one."""
        return self._table.database.budget()

    async def get(self, product_id: str) -> Product:
        """Return the product, or raise NotFoundError."""
        item = await self._table.get(product_id)
        if item is None:
            raise NotFoundError("Product", product_id)
        return Product.read(item)

    async def find_many(self, product_ids: Sequence[str]) -> dict[str, Product]:
        """Return the name and price of the products for sale, by id; at most 100."""
        items = await self._table.get_many(product_ids, ["name", "price"])
        products = {key: Product.read(item) for key, item in items.items()}
        return {key: product for key, product in products.items() if product.for_sale}

    async def find_whole(self, product_ids: Sequence[str]) -> dict[str, Product]:
        """Return the products there are, by id, with all a person may say of them; at most 100."""
        items = await self._table.get_many(product_ids, list(ProductCreate.model_fields))
        return {key: Product.read(item) for key, item in items.items()}

    async def list_all(
        self, *, containing: str = "", after: str | None = None, page_size: int | None = None
    ) -> Pages[Product]:
        """Yield all products, or those whose name contains a text, however it is written."""
        wanted = searchable(containing)
        async for page in self._table.scan(after=after, page_size=None if wanted else page_size):
            products: Page[Product] = page.map(Product.read)
            yield products.filter(lambda product: wanted in searchable(product.name))

    async def scan(self, attributes: Sequence[str], page_size: int) -> Pages[Item]:
        """Yield named attributes of all products, as they are stored and last written."""
        pages = self._table.scan(attributes=attributes, page_size=page_size, consistent=True)
        async for page in pages:
            yield page

    async def add(self, product: Product) -> Product:
        """Store a new product; its id must be free."""
        await self._table.put(product.item(), new=True)
        return product

    async def change(
        self,
        product_id: str,
        request: ProductCreate,
        check: ProductCheck | None = None,
    ) -> Product:
        """Change what a person may change of a product, or raise NotFoundError.

        Where there is a `check`, which raises to refuse, only what it has seen is changed.
        """
        changes = request.model_dump() | {"updatedAt": stamp(now())}
        if check is None:
            item = await self._table.update(product_id, set=changes, returning=True)
        else:

            async def change(stored: Item, as_read: Condition) -> Item | None:
                check(Product.read(stored))
                return await self._table.update(
                    product_id, set=changes, when=as_read, returning=True
                )

            item = await self._table.optimistic_write(product_id, SHOWN, change)
        if item is None:
            raise NotFoundError("Product", product_id)
        return Product.read(item)

    async def save(self, product_id: str, request: ProductCreate) -> None:
        """Change a product, or add it under an id of the caller's; what is not said stays."""
        moment = stamp(now())
        first = request.model_dump() | {"createdAt": moment}
        said = request.model_dump(exclude_unset=True) | {"updatedAt": moment}
        changes = {name: Default(value) for name, value in first.items()} | said
        await self._table.update(product_id, set=changes, create=True)

    async def remove(self, product_id: str, check: ProductCheck | None = None) -> None:
        """Delete a product, or raise NotFoundError; with a `check` as `change` has it."""
        if check is None:
            found = await self._table.remove(product_id)
        else:

            async def remove(stored: Item, as_read: Condition) -> bool:
                check(Product.read(stored))
                return await self._table.remove(product_id, when=as_read)

            found = bool(await self._table.optimistic_write(product_id, SHOWN, remove))
        if not found:
            raise NotFoundError("Product", product_id)
