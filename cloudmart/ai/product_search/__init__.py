"""The search of the catalogue by what customers write."""

ARGUMENT_NAMES = ("productname", "name", "query", "q", "search")
"""What action groups of agents call the argument that holds a product's name, in small letters."""
