"""The plumbing of HTTP."""
