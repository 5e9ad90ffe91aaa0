"""Products as the API shows them, so that a test need not name the fields that it is not about."""

from typing import Any

from cloudmart.products.models import Product


def shown_product(**given: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a product as the API shows it: the given members, and all others by default."""
    return Product(id="").model_dump(mode="json", by_alias=True) | given


def example_of_a_product() -> dict[str, Any]:
    """Return the product that the API document shows; it has every field."""
    schema = Product.model_json_schema()
    (example,) = schema["examples"]
    assert example.keys() == schema["properties"].keys()
    return dict(example)
