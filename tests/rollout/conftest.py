"""A cluster and a shop to roll out to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.k8s.conftest import needs_kubectl
from tests.support.overlays import copied, fill
from tests.support.rollouts import Rig, seen_from_outside

collect_ignore: list[str] = []


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """Provide a cluster with everything that a first roll-out needs, and a filled-in production."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    overlay = fill(copied(tmp_path) / "overlays" / "production")
    with seen_from_outside() as (url, pages):
        yield Rig(overlay, url, pages)


__all__ = ["needs_kubectl", "rig"]
