"""Findings and their outputs."""
