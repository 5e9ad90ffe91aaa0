"""Drills: a fault is injected into a shop that runs, and the right alerts must fire."""
