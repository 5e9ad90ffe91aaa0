"""Reads the pipeline's template."""

from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[2] / "infra" / "pipeline.yaml"

RESOURCES: dict[str, Any] = yaml.safe_load(FILE.read_text())["Resources"]


def properties(resource: str) -> dict[str, Any]:
    """Return the properties of a resource."""
    told: dict[str, Any] = RESOURCES[resource]["Properties"]
    return told


def statements(role: str) -> list[dict[str, Any]]:
    """Return the statements of a role's policies."""
    return [
        statement
        for policy in properties(role)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def actions(role: str) -> set[str]:
    """Return the actions that a role allows."""
    found: set[str] = set()
    for statement in statements(role):
        told = statement["Action"]
        found |= {told} if isinstance(told, str) else set(told)
    return found
