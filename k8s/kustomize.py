"""Where the overlays are, and how they are rendered.

python -m k8s.kustomize production
"""

import sys
from pathlib import Path

import yaml

from cloudmart.rollout.release import Manifest, Rendered, find_kubectl, render_overlay

__all__ = ["OVERLAYS", "PUBLIC", "ROOT", "Manifest", "Rendered", "find_kubectl", "render_overlay"]

ROOT = Path(__file__).parent
OVERLAYS = ROOT / "overlays"
PUBLIC = ("staging", "production")
"""The overlays that an operator fills in."""


def main(arguments: list[str]) -> int:
    """Print an environment's manifests as a roll-out applies them, and return the exit code."""
    if len(arguments) != 1 or arguments[0] not in PUBLIC:
        sys.stderr.write(f"Which environment? One of: {', '.join(PUBLIC)}\n")
        return 2
    yaml.safe_dump_all(
        render_overlay(OVERLAYS / arguments[0]).manifests, sys.stdout, sort_keys=False
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
