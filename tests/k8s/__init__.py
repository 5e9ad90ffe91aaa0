"""The manifests: what is rendered of them, and what acts on them."""
