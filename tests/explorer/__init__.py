"""The API explains itself."""
