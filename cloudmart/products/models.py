"""A product, and what a person may say of one."""

from decimal import Decimal
from typing import Annotated

from pydantic import StringConstraints

from cloudmart.values.ids import new_id
from cloudmart.values.model import Entity, Model
from cloudmart.values.money import Money, Price
from cloudmart.values.text import Name, Prose
from cloudmart.values.timestamp import Timestamp, now

ImageUrl = Annotated[
    str,
    StringConstraints(max_length=16_384, pattern=r"^$|^https?://\S+$|^data:image/\S+$"),
]


class ProductCreate(Model):
    """What the catalogue is told of a product, new or changed. Ids and times are ours."""

    name: Name
    description: Prose = ""
    price: Price
    image: ImageUrl = ""


class Product(Entity):
    """A product of the catalogue. Nothing a page reads is ever missing or null."""

    name: str = ""
    description: str = ""
    price: Money = Decimal()
    image: str = ""
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    @classmethod
    def create(cls, request: ProductCreate) -> "Product":
        """Turn a request into a product with a fresh id."""
        moment = now()
        return cls(
            id=new_id(), created_at=moment, updated_at=moment, **request.model_dump(by_alias=False)
        )
