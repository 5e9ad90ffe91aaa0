"""`cloudmart catalogue`."""
