"""Which products of the sample shop match a customer's words."""

import pytest

from cloudmart.ai.product_search.query import read_query
from cloudmart.ai.product_search.search import FoundProducts, choose_products
from cloudmart.local.seed import sample_products
from cloudmart.products.models import Product

PRODUCTS = [
    Product.create(told).model_copy(update={"id": key}) for key, told in sample_products().items()
]


async def find(text: str) -> FoundProducts:
    """Return the products that match a text."""
    return await choose_products(PRODUCTS, read_query(text))


FOUND = {
    "lamps": ["Desk lamp"],
    "LAMP": ["Desk lamp"],
    "desklamp": ["Desk lamp"],
    "key board": ["Mechanical keyboard"],
    "keybord": ["Mechanical keyboard"],
    "Do you have a kettel?": ["Gooseneck kettle"],
    "vaze": ["Ceramic vase"],
    "umbrela": ["Walking umbrella"],
    "knives": ["Chef's knife"],
    "I am ann@example.org. Do you have kettles?": ["Gooseneck kettle"],
    "My friend told me you have a wonderful old kettle": ["Gooseneck kettle"],
    "I'm looking for a red kettle": ["Gooseneck kettle"],
    "lamps and kettles": ["Desk lamp", "Gooseneck kettle"],
    "a pen": ["Fountain pen"],
    "c\u00e1mping lant\u00e9rn": ["Camping lantern"],
    "tent for two persons": ["Two-person tent"],
    "mixing bowl": ["Mixing bowls, set of three"],
    "anything under 10 dollars?": ["Enamel mug"],
    "more than a hundred dollars": ["Mechanical keyboard", "Two-person tent"],
    "lamps under 10 dollars": [],
    "whats the cheapest thing lol": ["Enamel mug"],
    "show me everything between 110 and 200 bucks pls": ["Mechanical keyboard", "Two-person tent"],
    "I have a voucher to burn. What costs more than 100?": [
        "Mechanical keyboard",
        "Two-person tent",
    ],
    "I need a lamp. What do you have under 30?": ["Desk lamp"],
    "sofas under 30 dollars": [],
    "all of it from most expensive to cheapest, I only need the first two": [
        "Mechanical keyboard",
        "Two-person tent",
    ],
    "a set of three bowls": ["Mixing bowls, set of three"],
    "no, forget the vase. rather a watering can": ["Watering can"],
    "a kettle instead of the lamp": ["Gooseneck kettle"],
    "i dont want the mug, show me a kettle": ["Gooseneck kettle"],
    "what is the priciest item fr fr no cap": ["Two-person tent"],
    "I need a lamp. What do you have under 10?": [],
    "rather the radio than the headphones": ["Table radio"],
    "no lamps, rather candles": ["Soy candle"],
    "a bag with space for my laptop": ["Daypack"],
    "what is the cheapest product": ["Enamel mug"],
    "most expensive": ["Two-person tent"],
    "product 3": ["Fountain pen"],
    "product 99": [],
    "do you have any sofas": [],
    "a wooden toy train set for kids": [],
    "phone": [],
    "my chats": [],
    "all is well": [],
}


@pytest.mark.parametrize("text", sorted(FOUND))
async def test_only_products_that_fit_are_found(text: str) -> None:
    found = await find(text)

    assert sorted(product.name for product in found.products) == sorted(FOUND[text])
    assert not found.mentioned


async def test_a_match_in_the_description_only_is_reported_as_such() -> None:
    found = await find("do you sell laptops?")

    assert [product.name for product in found.products] == ["Daypack"]
    assert found.shown()["note"] == "No name fits: only the descriptions mention it."


async def test_eight_are_shown_and_the_others_counted() -> None:
    found = await find("show me all products")

    assert (len(found.products), found.not_shown) == (8, 16)


async def test_the_cheapest_come_first() -> None:
    found = await find("three cheapest products")

    assert [product.name for product in found.products] == [
        "Enamel mug",
        "Dotted notebook",
        "Pencil pot",
    ]
