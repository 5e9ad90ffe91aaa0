"""Drills: a fault is put into a running shop, and the right alerts must fire."""
