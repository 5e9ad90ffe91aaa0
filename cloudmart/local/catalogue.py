"""The sample catalogue: two dozen products with their pictures, as data."""

import json
from decimal import Decimal
from importlib import resources
from urllib.parse import quote

from cloudmart.products.models import ProductCreate

_TINTS = {"desk": "#e3ebf7", "kitchen": "#e2f1ea", "home": "#fdebdc", "outdoor": "#f4efcf"}

# Every picture stands on the same ground, in the same ink: a shelf gives the wall its colour.
# The subject keeps to the middle 80 by 90, so that a page may crop it square or wide.
_PICTURE = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='480' height='360' viewBox='0 0 160 120'>"
    "<rect width='160' height='120' fill='{tint}'/>"
    "<ellipse cx='80' cy='99' rx='46' ry='5' fill='#2f3b45' opacity='.12'/>"
    "<g fill='none' stroke='#2f3b45' stroke-width='2.5' stroke-linecap='round'"
    " stroke-linejoin='round'>{drawing}</g></svg>"
)


def sample_products() -> dict[str, ProductCreate]:
    """Return the sample products, by id."""
    text = resources.files(__package__).joinpath("catalogue.json").read_text("utf-8")
    return {
        sample["id"]: ProductCreate(
            name=sample["name"],
            description=sample["description"],
            price=sample["price"],
            image=_picture(sample["shelf"], sample["drawing"]),
        )
        for sample in json.loads(text, parse_float=Decimal)
    }


def _picture(shelf: str, drawing: list[str]) -> str:
    svg = _PICTURE.format(tint=_TINTS[shelf], drawing="".join(drawing))
    # Quotes and brackets go encoded, so that the URL may stand in CSS as well.
    return "data:image/svg+xml," + quote(svg, safe="!*,/:;=@?&$+")
