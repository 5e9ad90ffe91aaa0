"""The sample catalogue."""

import re
from decimal import Decimal
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from cloudmart.local.seed import sample_products
from cloudmart.products.models import ProductCreate

_PALETTE = {
    *("#2f3b45", "#55616b", "#c9d2d8", "#ffffff", "#fff8ea"),  # ink, iron, steel, white, cream
    *("#e8735a", "#f3b94f", "#459d93", "#6f93c9", "#7fae6a"),  # coral, amber, teal, blue, leaf
    *("#cf9762", "#85583d"),  # wood, cocoa
    *("#e3ebf7", "#e2f1ea", "#fdebdc", "#f4efcf"),  # the walls
}
_FAMILIES = frozenset({"rect", "circle", "ellipse", "path", "g", "svg"})

each_product = pytest.mark.parametrize("product", sample_products().values(), ids=lambda p: p.name)


def test_there_are_24_products_numbered_from_1() -> None:
    assert list(sample_products()) == [str(number) for number in range(1, 25)]


def test_no_two_products_share_a_name_a_text_or_a_picture() -> None:
    products = sample_products().values()

    assert len({product.name for product in products}) == 24
    assert len({product.description for product in products}) == 24
    assert len({product.image for product in products}) == 24


@each_product
def test_a_product_keeps_the_rules_of_the_catalogue(product: ProductCreate) -> None:
    assert ProductCreate.model_validate_json(product.model_dump_json()) == product


@each_product
def test_a_product_is_described_in_one_to_three_sentences(product: ProductCreate) -> None:
    sentences = re.findall(r"[^.]+(?:\.\d[^.]*)*\.", product.description)

    assert 1 <= len(sentences) <= 3
    assert "".join(sentences) == product.description


@each_product
def test_a_price_has_cents(product: ProductCreate) -> None:
    assert product.price % 1 != 0
    assert product.price == product.price.quantize(Decimal("0.01"))


@each_product
def test_a_picture_is_a_url_of_less_than_2_kb(product: ProductCreate) -> None:
    assert product.image.startswith("data:image/svg+xml,")
    assert len(product.image.encode()) < 2000
    assert not re.search(r"[\s\"'<>()#]", product.image)


@each_product
def test_a_picture_is_a_drawing_in_the_shops_colours(product: ProductCreate) -> None:
    svg = unquote(product.image.removeprefix("data:image/svg+xml,"))

    elements = list(ET.fromstring(svg).iter())  # noqa: S314 - our own

    assert {element.tag.rpartition("}")[2] for element in elements} <= _FAMILIES
    assert set(re.findall(r"#[0-9a-f]+", svg)) <= _PALETTE
    assert len(elements) >= 6
