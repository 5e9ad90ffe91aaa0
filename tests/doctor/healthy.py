"""The healthy shop: a cluster, its variables, AWS and providers, all of them doubles."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudmart.doctor.command import DoctorChoices, diagnose_target
from cloudmart.doctor.target import DoctorTarget
from cloudmart.findings.finding import CheckFinding, CheckStatus
from cloudmart.local.duckdb_warehouse import DuckDBWarehouse, duckdb_connection
from cloudmart.local.embedded import REGION
from cloudmart.orders.indexes import order_keys
from cloudmart.rollout.cluster import Kubernetes
from cloudmart.rollout.release import Release, Rendered
from cloudmart.settings import load_settings
from cloudmart.values.timestamp import stamp
from tests.doctor.shop_aws import ACCOUNT, CLUSTER, ShopAws, shop_aws
from tests.doctor.shop_edge import ShopEdge, shop_edge
from tests.doctor.shop_providers import AGENT, ALIAS, ShopProviders, shop_providers
from tests.support.api_server import Object
from tests.support.fake_cluster import FakeCluster
from tests.support.rollouts import SECRETS, secret, storefront
from tests.support.shop_tables import put
from tests.support.watched_pipeline import ending_in

_PATIENCE = 60.0
NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
_WELL = {
    "status": "pass",
    "serviceId": "cloudmart-backend",
    "notes": ["configuration 9fceb02d0ae5"],
    "checks": {"orders:table": [{"status": "pass"}]},
}
METRICS = """# TYPE cloudmart_pipeline_heartbeats_total counter
cloudmart_pipeline_heartbeats_total{outcome="arrived"} 3.0
"""


@dataclass(slots=True)
class HealthyShop:
    """What the doctor examines. A test breaks one thing of it."""

    environ: dict[str, str]
    cluster: FakeCluster
    aws: ShopAws
    providers: ShopProviders
    edge: ShopEdge
    warehouse: DuckDBWarehouse
    parts: dict[str, Any] = field(default_factory=dict)
    """Other options of `DoctorTarget`: `url`, `resolve`, `certificate`, …"""

    def target(self) -> DoctorTarget:
        """Return the target as it is now."""
        return DoctorTarget(
            self.environ,
            load_settings(self.environ),
            **{
                "cluster": Kubernetes(self.cluster, "default"),
                "now": lambda: NOW,
                "in_cluster": True,
                "is_service": True,
                "interval": 0.0,
                "pipeline": ending_in(self.warehouse, 10),
                **self.edge.parts,
                **self.parts,
            },
        )

    async def look(self, *only: str) -> Mapping[str, CheckFinding]:
        """Return the findings of some areas or ids, by id."""
        found = await diagnose_target(DoctorChoices(only=only), self.target())
        assert not found.found.broken
        return {each.id: each for each in found.found.findings}

    async def look_until_known(self, *only: str) -> dict[str, CheckFinding]:
        """Return the findings as `look` does; repeat findings that are unknown.

        On a busy machine the embedded DynamoDB may take longer than the doctor waits.
        """
        found, until = dict(await self.look(*only)), time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            unknown = [each.id for each in found.values() if each.status is CheckStatus.UNKNOWN]
            if not unknown:
                break
            found |= await self.look(*unknown)
        return found

    def on_a_laptop(self) -> None:
        """Examine it from an operator's machine, which is no pod."""
        self.parts |= {"in_cluster": False, "is_service": False}
        for name in (*self.aws.injected, "CLOUDMART_CONFIG_DIR"):
            del self.environ[name]

    def with_an_agent(self, alias: str = ALIAS) -> None:
        """Let an agent answer for Bedrock, and not a model."""
        del self.environ["BEDROCK_MODEL_ID"]
        self.environ |= {"BEDROCK_AGENT_ID": AGENT, "BEDROCK_AGENT_ALIAS_ID": alias}

    @property
    def deployment(self) -> Object:
        """The Deployment, which a test may change."""
        return self.cluster.live("deployment/cloudmart-backend")

    @property
    def pod(self) -> Object:
        """The first of the pods."""
        return self.cluster.listed("pod")[0]

    def add_pod(self, name: str = "pod-2", **annotations: str) -> Object:
        """Add another pod like the first, with other annotations."""
        made: Object = json.loads(json.dumps(self.pod))
        made["metadata"]["name"] = name
        # The fake's controllers end pods of another ReplicaSet.
        made["metadata"]["labels"].pop("pod-template-hash", None)
        made["metadata"].setdefault("annotations", {}).update(annotations)
        self.cluster.objects[f"pod/{name}"] = made
        self.says(name)
        return made

    def says(self, pod: str, **members: Any) -> None:  # noqa: ANN401 - any JSON
        """Let a pod answer with a health report."""
        _answer(self.cluster, pod, **members)

    def shows(self, metrics: str | Callable[[], str]) -> None:
        """Have the first pod show other metrics, or each time those that a call returns."""
        path = f"/api/v1/namespaces/default/pods/{self.pod['metadata']['name']}"
        self.cluster.scenario.raw[f"{path}:9000/proxy/metrics"] = metrics

    def order(self, key: str, *, carried: bool, at: datetime | None = None) -> None:
        """Put an order into DynamoDB, and into the warehouse if it was carried."""
        created = at or datetime.now(UTC) - timedelta(seconds=5)
        item = {"id": key, "userEmail": "ann@example.org", "createdAt": stamp(created)}
        put(self.aws.client("dynamodb"), self.aws.names.orders_table, item | order_keys(item))
        if carried:
            row = (key, "Pending", created.replace(tzinfo=None), "INSERT")
            self.warehouse.connection.execute(
                "INSERT INTO orders (id, status, createdAt, eventType) VALUES (?, ?, ?, ?)", row
            )


@contextmanager
def healthy_shop(
    rendered: Rendered, engine: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HealthyShop]:
    """Create the shop."""
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
    with (
        shop_aws(engine, directory, monkeypatch) as aws,
        shop_providers(monkeypatch) as providers,
        duckdb_connection() as connection,
    ):
        aws.claims(NOW + timedelta(hours=12))
        edge, warehouse = shop_edge(aws), DuckDBWarehouse(connection)
        told = {**environ, **aws.environ, **providers.environ, **_pipeline(aws, providers)}
        shop = HealthyShop(told, _cluster(rendered, aws, edge), aws, providers, edge, warehouse)
        shop.order("well", carried=True)
        yield shop


def _pipeline(aws: ShopAws, providers: ShopProviders) -> dict[str, str]:
    """Create the pipeline's parts in AWS, and return the service's settings for them."""
    table = aws.client("dynamodb").describe_table(TableName=aws.names.orders_table)["Table"]
    providers.map_stream(table["LatestStreamArn"])
    bucket = f"quarantine-{aws.key}"
    aws.client("s3").create_bucket(Bucket=bucket)
    queue = aws.client("sqs").create_queue(QueueName=f"failures-{aws.key}")["QueueUrl"]
    return {
        "PIPELINE_FAILURE_QUEUE": queue,
        "PIPELINE_QUARANTINE_BUCKET": bucket,
        "PIPELINE_HEARTBEAT": "300",
        "GOOGLE_CLOUD_PROJECT_ID": "cloudmart-shop",
        "BIGQUERY_DATASET_ID": "cloudmart",
        "BIGQUERY_TABLE_ID": "cloudmart-orders",
        "BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:9",
    }


def _cluster(rendered: Rendered, aws: ShopAws, edge: ShopEdge) -> FakeCluster:
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
    cluster.scenario.raw["/version"] = json.dumps({"major": "1", "minor": "36+"})
    gate = {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}
    cluster.live("namespace/default")["metadata"]["labels"] = gate
    for ingress in cluster.listed("ingress"):
        ingress["status"] = {"loadBalancer": {"ingress": [{"hostname": edge.name}]}}
    account = cluster.live("serviceaccount/cloudmart-backend-sa")
    account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] = aws.role
    for pod in cluster.listed("pod"):
        _answer(cluster, pod["metadata"]["name"])
    return cluster


def _answer(cluster: FakeCluster, pod: str, **members: Any) -> None:  # noqa: ANN401 - any JSON
    """Let a pod answer through the API server."""
    path = f"/api/v1/namespaces/default/pods/{pod}"
    cluster.scenario.raw[f"{path}:5000/proxy/health"] = json.dumps({**_WELL, **members})
    cluster.scenario.raw.setdefault(f"{path}:9000/proxy/metrics", METRICS)


def told(found: Mapping[str, CheckFinding], key: str, status: CheckStatus) -> str:
    """Return the observation of a finding that has that status."""
    finding = found[key]
    assert finding.status is status, finding
    return finding.observed
