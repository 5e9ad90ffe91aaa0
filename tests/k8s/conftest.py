"""The overlays, rendered once for all tests."""

from pathlib import Path

import pytest

from k8s.kustomize import OVERLAYS, Rendered, find_kubectl, render_overlay
from tests.support.overlays import copied, fill

needs_kubectl = pytest.mark.skipif(
    find_kubectl() is None, reason="kubectl is not installed: `make kubectl` brings one"
)
_RENDERED: dict[Path, Rendered] = {}


def once(overlay: Path) -> Rendered:
    """Return the rendered manifests of an overlay."""
    if find_kubectl() is None:
        pytest.skip("kubectl is not installed: `make kubectl` brings one")
    if overlay not in _RENDERED:
        _RENDERED[overlay] = render_overlay(overlay)
    return _RENDERED[overlay]


@pytest.fixture(params=["local", "staging", "production"])
def overlay(request: pytest.FixtureRequest) -> Rendered:
    """Provide each overlay as it is in the repository."""
    return once(OVERLAYS / request.param)


@pytest.fixture(params=["staging", "production"])
def public(request: pytest.FixtureRequest) -> Rendered:
    """Provide each overlay of a shop that can be reached from outside."""
    return once(OVERLAYS / request.param)


@pytest.fixture
def production() -> Rendered:
    """Provide production as it is in the repository."""
    return once(OVERLAYS / "production")


@pytest.fixture
def local() -> Rendered:
    """Provide the overlay for a cluster without a cloud."""
    return once(OVERLAYS / "local")


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """Provide a copy of the manifests that a test may change."""
    return copied(tmp_path)


@pytest.fixture
def filled(manifests: Path) -> Path:
    """Provide production with every value filled in."""
    return fill(manifests / "overlays" / "production")
