"""Which connections a NetworkPolicy allows, by Kubernetes' rules: without `to`, all addresses."""

from ipaddress import ip_address, ip_network

from k8s.kustomize import Manifest


def lets_out(policy: Manifest, address: str, port: int, protocol: str = "TCP") -> bool:
    """Return whether pods may reach an address outside the cluster."""
    return any(
        {"port": port, "protocol": protocol} in rule["ports"] and _allows(rule.get("to"), address)
        for rule in policy["spec"]["egress"]
    )


def _allows(peers: list[Manifest] | None, address: str) -> bool:
    # A selector of pods or namespaces never selects a node.
    return peers is None or any(
        "ipBlock" in peer and ip_address(address) in ip_network(peer["ipBlock"]["cidr"])
        for peer in peers
    )
