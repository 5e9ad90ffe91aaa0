"""A copy of the manifests in which every value of the operator is filled in."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]

FILLED = {
    "account": "210987654321",
    "region": "eu-central-1",
    "role": "cloudmart-eks-pod-role",
    "tables-role": "cloudmart-tables-role",
    "host": "shop.cloudmart.dev",
    "certificate": "arn:aws:acm:eu-central-1:210987654321:certificate/0f1e2d3c-4b5a-6978-8796",
    "web-acl": "arn:aws:wafv2:eu-central-1:210987654321:regional/webacl/shop/0f1e2d3c-4b5a",
    "vpc-cidr": "10.20.0.0/16",
    "frontend-port": "8080",
    "storefront-image": "none",
    "storefront-port": "8081",
    "image": "210987654321.dkr.ecr.eu-central-1.amazonaws.com/cloudmart-backend",
    "tag": "9fceb02d0ae5",
}
STOREFRONT = "210987654321.dkr.ecr.eu-central-1.amazonaws.com/cloudmart-storefront:2.3.1"


def copied(directory: Path) -> Path:
    """Copy the manifests into a directory, and return their place."""
    return Path(shutil.copytree(ROOT / "k8s", directory / "k8s"))


def with_storefront(overlay: Path, image: str = STOREFRONT) -> Path:
    """Choose the component `storefront` in a filled-in overlay, and return the overlay."""
    file = overlay / "kustomization.yaml"
    line = "  - ../../components/storefront"
    file.write_text(file.read_text("utf-8").replace(f"  #{line[1:]}", line), "utf-8")
    return fill(overlay, storefront_image=image)


def fill(overlay: Path, **values: str) -> Path:
    """Fill in the values of an overlay, some of them changed, and return the overlay."""
    file = overlay / "operator.yaml"
    text = file.read_text("utf-8")
    for name, value in (
        FILLED | {key.replace("_", "-"): each for key, each in values.items()}
    ).items():
        text, found = re.subn(rf"(?m)^  {name}: .*$", f'  {name}: "{value}"', text)
        assert found == 1, name
    file.write_text(text, "utf-8")
    return overlay
