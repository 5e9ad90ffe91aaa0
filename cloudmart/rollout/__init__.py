"""How a release gets into a cluster, step by step, and the output of each step."""
