"""The shop in which all is well: a cluster, its variables, AWS and providers, each a double."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudmart.doctor.command import DoctorChoices, diagnose_world
from cloudmart.doctor.world import World
from cloudmart.findings.finding import CheckFinding, CheckStatus
from cloudmart.local.embedded import REGION
from cloudmart.rollout.cluster import Kubernetes
from cloudmart.rollout.release import Release, Rendered
from cloudmart.settings import load_settings
from tests.doctor.shop_aws import ACCOUNT, CLUSTER, ShopAws, shop_aws
from tests.support.api_server import Object
from tests.support.fake_cluster import FakeCluster
from tests.support.rollouts import SECRETS, secret, storefront

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
_WELL = {
    "status": "pass",
    "serviceId": "cloudmart-backend",
    "notes": ["configuration 9fceb02d0ae5"],
}


@dataclass(slots=True)
class HealthyShop:
    """What the doctor looks at; a test breaks one thing of it."""

    environ: dict[str, str]
    cluster: FakeCluster
    aws: ShopAws
    parts: dict[str, Any] = field(default_factory=dict)
    """Other options of `World`: `url`, `resolve`, `certificate`, …"""

    def world(self) -> World:
        """Return the world as it is now."""
        return World(
            self.environ,
            load_settings(self.environ),
            cluster=Kubernetes(self.cluster, "default"),
            **{"now": lambda: NOW, "in_cluster": True, **self.parts},
        )

    async def look(self, *only: str) -> Mapping[str, CheckFinding]:
        """Return the findings of some areas or ids, by id."""
        found = await diagnose_world(DoctorChoices(only=only), self.world())
        assert not found.found.broken
        return {each.id: each for each in found.found.findings}

    def on_a_laptop(self) -> None:
        """Have it looked at from a machine of an operator's, which is no pod."""
        self.parts["in_cluster"] = False
        for name in (*self.aws.injected, "CLOUDMART_CONFIG_DIR"):
            del self.environ[name]

    @property
    def deployment(self) -> Object:
        """The Deployment, to be changed."""
        return self.cluster.live("deployment/cloudmart-backend")

    @property
    def pod(self) -> Object:
        """The first of the pods."""
        return self.cluster.listed("pod")[0]

    def add_pod(self, name: str = "pod-2", **annotations: str) -> Object:
        """Add another pod like the first, with other annotations."""
        made: Object = json.loads(json.dumps(self.pod))
        made["metadata"]["name"] = name
        # The fake's controllers end what is of another ReplicaSet.
        made["metadata"]["labels"].pop("pod-template-hash", None)
        made["metadata"].setdefault("annotations", {}).update(annotations)
        self.cluster.objects[f"pod/{name}"] = made
        self.says(name)
        return made

    def says(self, pod: str, **members: Any) -> None:  # noqa: ANN401 - any JSON
        """Have a pod answer with a health report."""
        path = f"/api/v1/namespaces/default/pods/{pod}:5000/proxy/health"
        self.cluster.scenario.raw[path] = json.dumps({**_WELL, **members})


@contextmanager
def healthy_shop(
    rendered: Rendered, engine: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HealthyShop]:
    """Make the shop."""
    config = directory / "config"
    config.mkdir()
    (config / "AWS_REGION").write_text(REGION)
    environ = {
        "ENVIRONMENT": "production",
        "AWS_REGION": REGION,
        "AUTH": "basic",
        "ADMIN_USERS": SECRETS["ADMIN_USERS"],
        "CLOUDMART_CONFIG_DIR": str(config),
    }
    with shop_aws(engine, directory, monkeypatch) as aws:
        aws.claims(NOW + timedelta(hours=12))
        yield HealthyShop({**environ, **aws.environ}, _cluster(rendered, aws), aws)


def _cluster(rendered: Rendered, aws: ShopAws) -> FakeCluster:
    cluster = FakeCluster()
    arn = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{CLUSTER}"
    cluster.scenario.configuration["clusters"][0]["name"] = arn
    cluster.scenario.injected = dict(aws.injected)
    cluster.scenario.raw["/.well-known/openid-configuration"] = json.dumps({"issuer": aws.issuer})
    keys = {name: SECRETS[name] for name in ("OPENAI_API_KEY", "ADMIN_USERS")}
    cluster.put(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}},
        secret(keys),
        *storefront(8080),
    )
    release = Release.of(rendered, cluster.live("secret/cloudmart-api-keys")["metadata"])
    cluster.put(*(each for each in release.every if each is not release.job))
    account = cluster.live("serviceaccount/cloudmart-backend-sa")
    account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] = aws.role
    for pod in cluster.listed("pod"):
        path = f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}:5000/proxy/health"
        cluster.scenario.raw[path] = json.dumps(_WELL)
    return cluster


def told(found: Mapping[str, CheckFinding], key: str, status: CheckStatus) -> str:
    """Return what was seen of a finding that has that status."""
    finding = found[key]
    assert finding.status is status, finding
    return finding.observed
