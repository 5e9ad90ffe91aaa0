"""The manifests of the service, and what is told of them before they meet a cluster."""
