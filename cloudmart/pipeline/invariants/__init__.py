"""What must hold of the live data, checked by one pod at a time."""
