"""Makes the dashboards for Grafana."""
