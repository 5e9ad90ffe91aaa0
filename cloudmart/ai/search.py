"""Finding products for a customer who describes what they want."""

import heapq
import re
from collections.abc import Collection
from operator import itemgetter
from typing import Any

from cloudmart.products.models import Product
from cloudmart.products.repository import ProductRepository
from cloudmart.values.text import searchable

MOST_FOUND = 5
_LONGEST_DESCRIPTION = 300
_WORD = re.compile(r"\w{3,}")

# A word of the name says more of a product than one of its description.
_IN_NAME, _IN_DESCRIPTION = 3, 1


async def search(products: ProductRepository, query: str) -> list[dict[str, Any]]:
    """Return the few products that a query fits best; any few for one without words."""
    words = {_singular(word) for word in _WORD.findall(searchable(query))}
    best: list[tuple[int, Product]] = []
    async for page in products.list_all():
        ranked = [(_rank(product, words), product) for product in page.items]
        fitting = [pair for pair in ranked if pair[0]]
        best = heapq.nlargest(MOST_FOUND, [*best, *fitting], key=itemgetter(0))
    return [_shown(product) for _, product in best]


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _rank(product: Product, words: Collection[str]) -> int:
    name, description = searchable(product.name), searchable(product.description)
    if not words:
        return 1
    return sum(
        _IN_NAME * (word in name) + _IN_DESCRIPTION * (word in description) for word in words
    )


def _shown(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name[:200],
        "price": float(product.price),
        "description": product.description[:_LONGEST_DESCRIPTION],
    }
