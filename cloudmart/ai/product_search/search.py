"""Finds the products that a customer asks for in the catalogue."""

import asyncio
import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from cloudmart.ai.product_search.query import ProductQuery, ProductSort, stem
from cloudmart.products.catalogue import Catalogue
from cloudmart.products.models import Product
from cloudmart.values.text import searchable

MOST_FOUND = 8
_LONGEST_DESCRIPTION = 300
_LONGEST_NAME = 200
_AT_ONCE = 500
"""Products that are looked at before others get their turn."""

_WORD = re.compile(r"[^\W_]{2,}")
_SHORT = 4
_LENGTHS = 2
"""Letters by which the lengths of a word and its misspelling differ at most."""

_CLOSE = 0.8
_LIKE = [[frozenset(pair)] for pair in ("sz", "ck", "iy", "fv", "mn", "bp", "dt", "gj")]
"""Letters that are taken for one another."""

# Who asks for a bag is shown a backpack, in a shop that has no bag.
_SAME = """
bag backpack rucksack daypack knapsack satchel
pan skillet frypan
mug cup beaker
headphone headset earphone
rug carpet
sofa couch settee
lantern torch flashlight
notebook notepad journal diary jotter
blanket throw plaid
pillow cushion
jug pitcher carafe
lamp light
bin wastebasket
"""
_GROUPS = [line.split() for line in _SAME.split("\n") if line]


@dataclass(frozen=True, slots=True)
class FoundProducts:
    """The best of the products that fit, and the number of those left out.

    Of those that are `mentioned`, only the description has a word that was asked for.
    """

    products: Sequence[Product]
    not_shown: int = 0
    mentioned: bool = False

    def shown(self) -> dict[str, Any]:
        """Return the tool's answer to a model."""
        told: dict[str, Any] = {
            "products": [_shown(product) for product in self.products],
            "not_shown": self.not_shown,
        }
        if self.mentioned:
            told["note"] = "No name fits: only the descriptions mention it."
        return told


def _shown(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name[:_LONGEST_NAME],
        "price": float(product.price),
        "description": product.description[:_LONGEST_DESCRIPTION],
    }


async def search_products(catalogue: Catalogue, query: ProductQuery) -> FoundProducts:
    """Return the products for sale that a query asks for."""
    found = await catalogue.find()
    offers = [product async for page in found.pages for product in page.items if product.for_sale]
    return await choose_products(offers, query)


async def choose_products(products: Sequence[Product], query: ProductQuery) -> FoundProducts:
    """Return those that a query asks for; all of them fit one that asks for nothing."""
    if query.number is not None and not query.wanted:
        numbered = _numbered(products, query.number)
        return FoundProducts([numbered] if numbered else [])
    in_bounds = [product for product in products if query.fits(product.price)]
    if not query.wanted:
        return _best(in_bounds, query)
    index = _Index()
    for number, product in enumerate(products):
        index.add(product)
        if not number % _AT_ONCE:
            await asyncio.sleep(0)
    # Spelt by the whole catalogue's words: a lamp is a lamp at any price.
    named, mentioned = index.find(query.wanted, {product.id for product in in_bounds})
    if (
        query.aside
        and not named
        and not index.find(query.wanted, {each.id for each in products})[0]
    ):
        return _best(in_bounds, query)
    return _best(named or mentioned, query, mentioned=not named and bool(mentioned))


def _numbered(products: Sequence[Product], number: int) -> Product | None:
    by_id = next((product for product in products if product.id == str(number)), None)
    if by_id or not 0 < number <= len(products):
        return by_id
    return products[number - 1]


def _best(
    products: Sequence[Product], query: ProductQuery, *, mentioned: bool = False
) -> FoundProducts:
    if query.sort:
        dear = query.sort is ProductSort.MOST_EXPENSIVE
        products = sorted(products, key=lambda product: product.price, reverse=dear)
    most = min(query.limit or MOST_FOUND, MOST_FOUND)
    if query.limit == 1 and query.sort and products:
        # Those with one price are all the cheapest.
        first = products[min(query.place, len(products)) - 1].price
        same = [product for product in products if product.price == first]
        return FoundProducts(same[:MOST_FOUND], len(products) - len(same[:MOST_FOUND]), mentioned)
    return FoundProducts(products[:most], max(0, len(products) - most), mentioned)


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    plain = re.sub(r"['\u2019]s\b", "", searchable(text))
    return tuple(stem(word) for word in _WORD.findall(plain))


class _Index:
    """The words of the catalogue, and the products that have them."""

    def __init__(self) -> None:
        self._products: list[Product] = []
        self._names: Mapping[str, set[int]] = defaultdict(set)
        self._descriptions: Mapping[str, set[int]] = defaultdict(set)
        self._things: Mapping[str, set[int]] = defaultdict(set)

    def add(self, product: Product) -> None:
        row = len(self._products)
        self._products.append(product)
        name = _words(product.name)
        # "Mixing bowls, set of three" are bowls.
        for thing in _words(product.name.partition(",")[0])[-1:]:
            self._things[thing].add(row)
        # Who writes `desklamp` or `key board` means the same.
        for word in (*name, *map("".join, pairwise(name))):
            self._names[word].add(row)
        for word in _words(product.description):
            self._descriptions[word].add(row)

    def find(
        self, wanted: Sequence[Sequence[str]], ids: Collection[str]
    ) -> tuple[list[Product], list[Product]]:
        """Return the products whose names fit, and those whose descriptions do, the best first."""
        scores: dict[int, tuple[int, int]] = {}
        for words in wanted:
            for row, score in self._scores(words).items():
                scores[row] = max(score, scores.get(row, (0, 0)))
        ranked = sorted(scores, key=lambda row: scores[row], reverse=True)
        kept = [row for row in ranked if self._products[row].id in ids]
        named = [self._products[row] for row in kept if scores[row][0]]
        return named, [self._products[row] for row in kept if not scores[row][0]]

    def _scores(self, words: Sequence[str]) -> dict[int, tuple[int, int]]:
        """Return for the rows that fit best how many words their names have, and how many all."""
        in_names: dict[int, int] = defaultdict(int)
        in_all: dict[int, int] = defaultdict(int)
        joined = self._joined(words)
        things: set[int] = set()
        for asked in joined:
            word = self._known(asked)
            if word is None:
                continue
            names = self._names.get(word, set())
            things |= self._things.get(word, set())
            for row in names:
                in_names[row] += 1
            for row in names | self._descriptions.get(word, set()):
                in_all[row] += 1
        enough = (len(joined) + 1) // 2
        # Among many words one that says what a product is will do.
        fitting = {row: n for row, n in in_all.items() if n >= enough or row in things}
        named = {row: count for row, count in fitting.items() if in_names[row]}
        best = max((named or fitting).values(), default=0)
        return {row: (in_names[row], count) for row, count in fitting.items() if count >= best}

    def _joined(self, words: Sequence[str]) -> list[str]:
        joined: list[str] = []
        for word in words:
            if joined and joined[-1] not in self._names and joined[-1] + word in self._names:
                joined[-1] += word
            else:
                joined.append(word)
        return joined

    def _known(self, word: str) -> str | None:
        if word in self._names:
            return word
        if alike := next((each for each in _same_things(word) if each in self._names), None):
            return alike
        if word in self._descriptions:
            return word
        # Descriptions have words for everything: a guess among them is too often wrong.
        return _close(word, self._names)


def _close(word: str, known: Collection[str]) -> str | None:
    """Return the known word that a word is likely a misspelling of."""
    if len(word) < _SHORT:
        return None
    # Few are compared: the first letter is seldom wrong.
    near = [each for each in known if each[0] == word[0] and abs(len(each) - len(word)) <= _LENGTHS]
    if len(word) == _SHORT:
        # Most short words that differ in a letter are other words: a chat is no cast.
        return next((each for each in near if _sounds_like(word, each)), None)
    return next(iter(difflib.get_close_matches(word, near, n=1, cutoff=_CLOSE)), None)


def _sounds_like(word: str, known: str) -> bool:
    if sorted(word) == sorted(known):
        return True
    differing = [pair for pair in zip(word, known, strict=False) if pair[0] != pair[1]]
    return len(word) == len(known) and [*map(frozenset, differing)] in _LIKE


def _same_things(word: str) -> Sequence[str]:
    """Return the other names of a thing, without their plurals."""
    return [each for group in _GROUPS if word in group for each in group if each != word]
