"""What an operator does for orders that BigQuery lacks: reconcile, replay."""
