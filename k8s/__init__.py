"""The manifests of the service, and the programs that check them before a cluster does."""
