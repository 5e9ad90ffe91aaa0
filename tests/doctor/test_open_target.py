"""Whose settings the doctor examines."""

from collections.abc import Mapping

from cloudmart.doctor.open_target import TargetOptions, open_target
from cloudmart.settings import Loaded, load_settings
from tests.doctor.healthy import HealthyShop
from tests.support.fake_cluster import FakeCluster


def load(environ: Mapping[str, str]) -> tuple[Loaded, str | None]:
    """Read settings from an environment alone."""
    return load_settings(environ), None


async def test_an_environment_with_settings_is_the_one_that_counts(shop: HealthyShop) -> None:
    environ = {"ENVIRONMENT": "staging", "AWS_REGION": "eu-west-1"}

    target = await open_target(TargetOptions(run=shop.cluster), environ, load)

    assert target.source == "the environment of this process"
    assert target.loaded.settings.aws.region == "eu-west-1"
    assert not target.is_service


async def test_where_it_has_none_the_deployments_count(shop: HealthyShop) -> None:
    target = await open_target(TargetOptions(run=shop.cluster), {"HOME": "/root"}, load)

    key = target.loaded.settings.openai.api_key
    assert target.source == "the Deployment cloudmart-backend, seen by kubectl"
    assert target.loaded.settings.public_base == "https://shop.cloudmart.dev"
    assert key is not None
    assert key.get_secret_value().startswith("sk-")
    assert not target.is_service


async def test_a_pod_with_settings_is_the_service_and_a_job_without_is_not(
    shop: HealthyShop,
) -> None:
    pod = {"KUBERNETES_SERVICE_HOST": "10.100.0.1", "AWS_ROLE_ARN": shop.aws.role}

    in_a_pod = await open_target(TargetOptions(run=shop.cluster), pod | {"AUTH": "off"}, load)
    in_a_job = await open_target(TargetOptions(run=shop.cluster), pod, load)

    assert (in_a_pod.in_cluster, in_a_pod.is_service) == (True, True)
    assert (in_a_job.in_cluster, in_a_job.is_service) == (True, False)
    assert in_a_job.environ["AWS_ROLE_ARN"] == shop.aws.role


async def test_where_the_cluster_is_away_the_environment_counts() -> None:
    cluster = FakeCluster()
    cluster.scenario.away = True

    target = await open_target(TargetOptions(run=cluster), {}, load)

    assert target.source == "the environment of this process"
