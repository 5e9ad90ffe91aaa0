"""The manifests, and the programs that use them."""
