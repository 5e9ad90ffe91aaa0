"""Attacks on the real server."""
