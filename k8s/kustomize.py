"""Where the overlays are, and how they are rendered."""

from pathlib import Path

from cloudmart.rollout.kustomize import Manifest, Rendered, kubectl, render

__all__ = ["OVERLAYS", "PUBLIC", "ROOT", "Manifest", "Rendered", "kubectl", "render"]

ROOT = Path(__file__).parent
OVERLAYS = ROOT / "overlays"
PUBLIC = ("staging", "production")
"""The overlays that an operator fills in."""
