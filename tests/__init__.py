"""The suite: it mirrors `cloudmart/` and runs the real thing."""
