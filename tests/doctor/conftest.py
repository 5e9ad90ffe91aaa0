"""A healthy shop that the doctor examines and tests break."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudmart.rollout.release import Rendered, find_kubectl, render_overlay
from tests.doctor.healthy import HealthyShop, healthy_shop
from tests.support.overlays import copied, fill


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Provide production's manifests, filled in and rendered once."""
    if find_kubectl() is None:
        pytest.skip("kubectl is not installed: `make kubectl` brings one")
    return render_overlay(
        fill(copied(tmp_path_factory.mktemp("doctor")) / "overlays" / "production")
    )


@pytest.fixture
def shop(
    embedded_only: None,  # noqa: ARG001 - skips where the engine has DynamoDB alone
    rendered: Rendered,
    engine: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[HealthyShop]:
    """Provide a healthy shop."""
    with healthy_shop(rendered, engine, tmp_path, monkeypatch) as shop:
        yield shop
