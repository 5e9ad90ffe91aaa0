"""How English words become a query of the catalogue."""

from decimal import Decimal

import pytest

from cloudmart.ai.product_search.query import ProductQuery, ProductSort, read_query, stem

CHEAPEST, DEAREST = ProductSort.CHEAPEST, ProductSort.MOST_EXPENSIVE


def bounds(text: str) -> tuple[str | None, str | None]:
    """Return the lowest and the highest price that a text names."""
    query = read_query(text)
    low, high = query.lowest, query.highest
    return (f"{low:.2f}" if low is not None else None, f"{high:.2f}" if high is not None else None)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("anything under 10 dollars?", None, "9.99"),
        ("Anything less than 9,99?", None, "9.98"),
        ("below €1,000", None, "999.99"),
        ("below 1.000,50 euros", None, "1000.49"),
        ("cheaper than twenty bucks", None, "19.99"),
        ("for under $20", None, "19.99"),
        ("< 20", None, "19.99"),
        ("up to $15", None, "15.00"),
        ("at most 15 USD", None, "15.00"),
        ("not more than 12 dollars", None, "12.00"),
        ("no more than a hundred dollars", None, "100.00"),
        ("nothing over 12 dollars", None, "12.00"),
        ("I don't want to spend more than 12", None, "12.00"),
        ("it shouldn't exceed 12 euros", None, "12.00"),
        ("my budget is 40", None, "40.00"),
        ("max 25 euro", None, "25.00"),
        ("30 dollars or less", None, "30.00"),
        ("I have 30 dollars", None, "30.00"),
        ("something for $ 10", None, "10.00"),
        ("20$", None, "20.00"),
        ("over 50 euros", "50.01", None),
        ("more than a hundred dollars", "100.01", None),
        ("above forty-five dollars", "45.01", None),
        ("at least 100", "100.00", None),
        ("from $50", "50.00", None),
        ("not cheaper than 50", "50.00", None),
        ("100 or more", "100.00", None),
        ("$100+", "100.00", None),
        ("between 5 and 20", "5.00", "20.00"),
        ("between twenty and 5 dollars", "5.00", "20.00"),
        ("from 10 to 20 dollars", "10.00", "20.00"),
        ("$10-$20", "10.00", "20.00"),
        ("10 \u2013 20 euros", "10.00", "20.00"),
        ("over 10 but under 20 dollars", "10.01", "19.99"),
        ("around $30", "24.00", "36.00"),
        ("what costs exactly 19.99 dollars", "19.99", "19.99"),
    ],
)
def test_bounds_of_prices_are_read(text: str, low: str | None, high: str | None) -> None:
    assert bounds(text) == (low, high)


@pytest.mark.parametrize(
    "text",
    [
        "a flask for over 10 hours",
        "more than 30 pencils",
        "a bag of up to 20 litres",
        "two-person tent",
        "the 3 bowls",
        "a clock of at least 30 cm",
    ],
)
def test_other_numbers_are_not_prices(text: str) -> None:
    assert bounds(text) == (None, None)


@pytest.mark.parametrize(
    ("text", "sort", "limit"),
    [
        ("what is the cheapest product?", CHEAPEST, 1),
        ("your lowest price", CHEAPEST, 1),
        ("show me the cheapest lamps", CHEAPEST, None),
        ("three cheapest products", CHEAPEST, 3),
        ("cheap mugs", CHEAPEST, None),
        ("the most expensive thing you sell", DEAREST, 1),
        ("your cheapest three items", CHEAPEST, 3),
        ("Which product costs the most?", DEAREST, 1),
        ("what costs the least", CHEAPEST, 1),
        ("top 5 most expensive", DEAREST, 5),
        ("priciest item", DEAREST, 1),
        ("lamps", None, None),
    ],
)
def test_the_order_is_read(text: str, sort: ProductSort | None, limit: int | None) -> None:
    query = read_query(text)

    assert (query.sort, query.limit) == (sort, limit)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("product 3", 3),
        ("product number 24?", 24),
        ("Tell me about item no. 5", 5),
        ("#7", 7),
        ("what's the third one", 3),
        ("the 2nd product", 2),
        ("product for 3 dollars", None),
        ("products under 3", None),
    ],
)
def test_the_number_of_a_product_is_read(text: str, number: int | None) -> None:
    assert read_query(text).number == number


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Do you have lamps?", [("lamp",)]),
        ("lamps and kettles, or a red mug", [("lamp",), ("kettle",), ("red", "mug")]),
        ("What do you sell?", []),
        ("show me all products", []),
        ("the chef's knife under $70", [("chef", "knif")]),
        ("How much is the Desk Lamp?", [("desk", "lamp")]),
    ],
)
def test_the_words_that_matter_are_left(text: str, wanted: list[tuple[str, ...]]) -> None:
    assert list(read_query(text).wanted) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "$" * 500,
        "9" * 500,
        "between " * 60,
        "\ud800",
        "((((" * 100,
        "1,1,1,1,1,1 or more",
    ],
)
def test_hostile_text_is_read_in_no_time(text: str) -> None:
    assert isinstance(read_query(text), ProductQuery)


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("knife", "knives"),
        ("shelf", "shelves"),
        ("vase", "vases"),
        ("press", "presses"),
        ("box", "boxes"),
        ("dish", "dishes"),
        ("battery", "batteries"),
        ("lamp", "lamps"),
    ],
)
def test_one_and_several_have_one_stem(one: str, several: str) -> None:
    assert stem(one) == stem(several)


def test_bounds_include_both_ends() -> None:
    query = ProductQuery(lowest=Decimal(5), highest=Decimal(20))

    assert [query.fits(Decimal(price)) for price in ("4.99", "5", "20", "20.01")] == [
        False,
        True,
        True,
        False,
    ]
