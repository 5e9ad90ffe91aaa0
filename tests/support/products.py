"""Products as the API shows them. A test names only the fields that it is about."""

from typing import Any

from cloudmart.products.models import Product


def shown_product(**given: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a product as the API shows it: the given members, and defaults for all others."""
    return Product(id="").model_dump(mode="json", by_alias=True) | given


def example_of_a_product() -> dict[str, Any]:
    """Return the example product of the API document, which has every field."""
    schema = Product.model_json_schema()
    (example,) = schema["examples"]
    assert example.keys() == schema["properties"].keys()
    return dict(example)
