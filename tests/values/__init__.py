"""Small types of values."""
