"""Support tickets: `/api/tickets`."""
