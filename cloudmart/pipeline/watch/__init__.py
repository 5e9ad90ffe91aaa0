"""How the pipeline does: its status, its heartbeat, its metrics."""
