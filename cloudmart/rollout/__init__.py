"""How a release gets into a cluster, step by step, and what is told of it."""
