"""Roll-outs: the commands to a cluster, their order, and the way back."""
