"""HTTP: bodies, lists, errors, middleware."""
