"""The small words of the shop."""
