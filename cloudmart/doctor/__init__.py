"""The deployment checklist from inside: what the service needs, looked at without changing it."""
