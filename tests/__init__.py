"""The tests: they have the same folders as `cloudmart/`, and run the real application."""
