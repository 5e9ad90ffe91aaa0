"""Small types of values: money, times, ids, e-mail addresses and text."""
