"""A product, and what a person may say of one."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from cloudmart.values import ids
from cloudmart.values.ids import new_id
from cloudmart.values.model import Entity, Model
from cloudmart.values.money import Money, Price
from cloudmart.values.text import Name, Prose
from cloudmart.values.timestamp import Created, Updated, now

# Spelt out, for what `\S` means differs between the languages that read the document.
_VISIBLE = r"[^\x00-\x20\x7f-\xa0]+"

ImageUrl = Annotated[
    str,
    StringConstraints(
        max_length=16_384, pattern=rf"^$|^https?://{_VISIBLE}$|^data:image/{_VISIBLE}$"
    ),
]


class ProductCreate(Model):
    """The fields of a new or changed product. The server sets ids and times."""

    name: Annotated[Name, Field(description="1 to 200 characters.")]
    description: Annotated[Prose, Field(description="At most 4,000 characters.")] = ""
    price: Annotated[Price, Field(description="The price of one, in the shop's currency.")]
    image: Annotated[
        ImageUrl, Field(description="An http(s) or `data:image/` URL of at most 16 kB, or nothing.")
    ] = ""


class Product(Entity):
    """A product of the catalogue. Nothing a page reads is ever missing or null."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "1",
                    "name": "Reading lamp",
                    "description": "A warm light for the desk, dimmable in five steps.",
                    "price": 34.5,
                    "image": ids.PICTURE,
                    "createdAt": "2026-11-23T08:00:00.000Z",
                    "updatedAt": "2026-11-23T08:00:00.000Z",
                }
            ]
        }
    )

    name: Annotated[str, Field(description="Its name.")] = ""
    description: Annotated[str, Field(description="What it is, in plain text.")] = ""
    price: Annotated[Money, Field(description="The price of one, in the shop's currency.")] = (
        Decimal()
    )
    image: Annotated[str, Field(description="A URL, or nothing.")] = ""
    created_at: Created = None
    updated_at: Updated = None

    @property
    def for_sale(self) -> bool:
        """Return whether it has a price that an order can be charged."""
        return "price" in self.model_fields_set and self.price >= 0

    @classmethod
    def old_shapes(cls, item: Mapping[str, Any]) -> Iterator[str]:
        """Yield words for what an older release wrote otherwise."""
        if isinstance(item.get("price"), str):
            yield "price-as-text"

    @classmethod
    def create(cls, request: ProductCreate) -> "Product":
        """Turn a request into a product with a fresh id."""
        moment = now()
        return cls(
            id=new_id(), created_at=moment, updated_at=moment, **request.model_dump(by_alias=False)
        )


SHOWN = tuple(field.alias or name for name, field in Product.model_fields.items() if name != "id")
"""The attributes of a stored product that an answer shows, except its id."""
