"""Writes the Prometheus rules for the promises to customers."""
