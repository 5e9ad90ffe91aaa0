"""The environment of a pod: EKS's token and role, and an STS that can fail."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cloudmart.local.embedded import REGION, embedded_dynamodb
from cloudmart.settings import AccessSettings, Environment, Settings
from tests.health.world import ROLE, World, token
from tests.support.aws import aws_client
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.snapshots import Snapshots

GUARDED = AccessSettings(auth=("basic",))
_STATIC = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


@pytest.fixture
def in_cluster(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment of a pod, without any credentials."""
    assert settings  # The tables are created with the test's credentials.
    for name in _STATIC:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.100.0.1")
    monkeypatch.setenv("HOSTNAME", "cloudmart-backend-5d9c7-x2x4v")


@pytest.fixture(scope="session")
def aws(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Provide the URL of a server that plays AWS's services, except DynamoDB."""
    embedded = request.config.getoption("dynamodb") == "embedded"
    with nullcontext(engine) if embedded else embedded_dynamodb() as url:
        # The first call of a service loads its definitions, which takes long.
        aws_client("sts", endpoint_url=url).get_caller_identity()
        aws_client("secretsmanager", endpoint_url=url).list_secrets()
        yield url


@pytest.fixture
def sts(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Provide the proxy between the pod and STS."""
    with fault_proxy(aws) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", proxy.url)
        yield proxy


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """Provide the file of the pod's token, which the kubelet writes."""
    path = tmp_path / "token"
    path.write_text(token())
    return path


@pytest.fixture
def irsa(
    in_cluster: None, sts: FaultProxy, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> FaultProxy:
    """Set the variables that EKS's webhook adds, and provide the proxy in front of STS."""
    assert in_cluster is None
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token_file))
    return sts


@pytest.fixture
def deployed(settings: Settings) -> Settings:
    """Provide settings as in production."""
    aws = settings.aws.model_copy(update={"region": REGION})
    changes = {"environment": Environment.PRODUCTION, "aws": aws, "access": GUARDED}
    return settings.model_copy(update=changes)


@pytest.fixture
def events() -> Iterator[list[Any]]:
    """Provide the events that are logged while the test runs."""
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Snapshots:
    """Provide the reviewed values of the test."""
    write = bool(request.config.getoption("write_snapshots"))
    return Snapshots(Path(request.path).with_suffix(".json"), write=write)


@pytest.fixture
def world(
    irsa: FaultProxy,
    faults: FaultProxy,
    token_file: Path,
    deployed: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """Provide everything that a pod depends on, which a test may break and repair."""
    return World(irsa, faults, token_file, deployed, monkeypatch)
