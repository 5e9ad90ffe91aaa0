"""Clients in other languages, made from the document by the tools of the trade."""
