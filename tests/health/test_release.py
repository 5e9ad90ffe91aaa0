"""Health and metrics name the release."""

from importlib.metadata import version

import httpx2
import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from cloudmart.app import create_app
from cloudmart.health.configuration_drift import fingerprint
from cloudmart.settings import BuildSettings, Settings

COMMIT = "9fceb02d0ae598e95dc970b74767f19372d61af8"


@pytest.mark.parametrize(
    ("build", "release"),
    [
        (BuildSettings(version="1.4.0", commit=COMMIT), "1.4.0+9fceb02d0ae5"),
        (BuildSettings(version="1.4.0"), "1.4.0"),
        (BuildSettings(commit=COMMIT), f"{version('cloudmart')}+9fceb02d0ae5"),
        (BuildSettings(), version("cloudmart")),
    ],
)
def test_health_shows_the_release(settings: Settings, build: BuildSettings, release: str) -> None:
    app = create_app(settings.model_copy(update={"build": build}))

    with TestClient(app) as client:
        answer: httpx2.Response = client.get("/health")

    assert answer.json()["releaseId"] == release


@pytest.mark.parametrize("path", ["/health", "/api/health", "/readyz", "/startupz"])
@pytest.mark.parametrize("rollout", ["5f2a9c01d7be", None])
def test_health_shows_the_roll_out_that_started_the_pod(
    settings: Settings, path: str, rollout: str | None
) -> None:
    build = BuildSettings(rollout=rollout)
    app = create_app(settings.model_copy(update={"build": build}))

    with TestClient(app) as client:
        answer: httpx2.Response = client.get(path)

    assert answer.json().get("rolloutId") == rollout


def test_a_metric_shows_the_release(settings: Settings) -> None:
    build = BuildSettings(version="2.0.0-rc.1", commit=COMMIT)

    create_app(settings.model_copy(update={"build": build}))

    labels = {"version": "2.0.0-rc.1", "commit": COMMIT}
    assert REGISTRY.get_sample_value("cloudmart_build_info", labels) == 1


def test_a_release_of_the_same_configuration_has_the_same_fingerprint() -> None:
    build = BuildSettings(version="1.4.0", commit=COMMIT)

    assert fingerprint(Settings(build=build)) == fingerprint(Settings())
