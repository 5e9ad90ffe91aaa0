"""The catalogue: `/api/products`."""
