"""Local mode."""
