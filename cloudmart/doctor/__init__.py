"""The deployment checklist from inside: what the service needs, checked without changing it."""
