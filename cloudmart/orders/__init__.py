"""Orders: `/api/orders`."""
