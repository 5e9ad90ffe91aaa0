"""Clients in other languages, generated from the document by common tools."""
