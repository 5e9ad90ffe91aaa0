"""Two instances behind a balancer, replaced under load."""
