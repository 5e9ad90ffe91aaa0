"""Watching the pipeline: its status, its heartbeat, its metrics."""
