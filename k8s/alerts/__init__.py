"""Makes Prometheus' rules of what customers are promised."""
