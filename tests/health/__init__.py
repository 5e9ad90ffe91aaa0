"""Start-up, probes, and the state of dependencies."""
