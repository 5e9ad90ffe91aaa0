"""Rolling out: what a cluster is told, in which order, and the way back."""
