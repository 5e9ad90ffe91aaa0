"""Logs, metrics, last words."""
