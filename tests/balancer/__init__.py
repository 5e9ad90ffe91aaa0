"""Two instances behind a load balancer, replaced under load."""
