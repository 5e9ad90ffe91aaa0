"""Configuration that changes while the process runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudmart.app import create_app
from cloudmart.composition.runtime import Runtime
from cloudmart.dynamodb.session import new_session
from cloudmart.health.configuration_drift import fingerprint
from cloudmart.health.secrets_manager import SecretStore, SecretVersion
from cloudmart.observability.metrics import CONFIGURATION_STALE
from cloudmart.settings import Settings, load_settings
from cloudmart.settings.knowledge import read_knowledge
from tests.health.world import World
from tests.support.aws import aws_client
from tests.support.clocked_app import Pod, pod
from tests.support.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.support.ready_app import serving

STALE = "The cluster's configuration has been newer than this pod's since 2026-11-23 12:00 UTC."


class Mounted:
    """A mounted ConfigMap, as the kubelet writes it: links to a version that it swaps at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._generation = 0

    def write(self, **values: str) -> None:
        """Write a new version of the files."""
        self._generation += 1
        generation = self.path / f"..{self._generation}"
        generation.mkdir(parents=True)
        for name, value in values.items():
            (generation / name).write_text(value)
            link = self.path / name
            if not link.is_symlink():
                link.symlink_to(Path("..data", name))
        swapped = self.path / "..data_tmp"
        swapped.symlink_to(generation.name)
        swapped.rename(self.path / "..data")


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    """Provide a mounted ConfigMap."""
    directory = Mounted(tmp_path / "config")
    directory.write(**{"orders-table": "orders", "tickets-table": "tickets"})
    return directory


@pytest.fixture
def watching(world: World, mounted: Mounted) -> Settings:
    """Provide settings that name it."""
    sources = world.settings.sources.model_copy(update={"config_dir": mounted.path})
    return world.settings.model_copy(update={"sources": sources})


def metric() -> float:
    """Return the value of the metric."""
    return float(next(iter(CONFIGURATION_STALE.collect())).samples[0].value)


async def told(pod: Pod) -> tuple[str, str, bool, float]:
    """Return health's entry about the configuration, whether the pod is ready, and the metric."""
    check = await pod.check("configuration:freshness")
    return check["status"], check.get("output", ""), await pod.is_ready(), metric()


async def test_a_mounted_copy_that_changed_is_reported_and_so_is_its_return(
    watching: Settings, mounted: Mounted, events: list[Any]
) -> None:
    async with pod(watching) as it:
        await it.checks_everything()
        seen = [await told(it)]
        mounted.write(**{"orders-table": "orders-2", "tickets-table": "tickets"})
        await it.checks_again()
        seen.append(await told(it))
        await it.checks_again()
        seen.append(await told(it))
        mounted.write(**{"orders-table": "orders", "tickets-table": "tickets"})
        await it.checks_again()
        seen.append(await told(it))

    stale = ("warn", STALE, True, 1)
    assert seen == [("pass", "", True, 0), stale, stale, ("pass", "", True, 0)]
    assert [e["cause"] for e in events if e["event"] == "dependency_failing"] == [
        "configuration-stale"
    ]
    assert it.lifecycle.ending is False


@pytest.mark.parametrize("change", ["a file more", "a file less"])
async def test_files_that_come_or_go_are_a_change(
    change: str, watching: Settings, mounted: Mounted
) -> None:
    async with pod(watching) as it:
        await it.checks_everything()
        if change == "a file more":
            (mounted.path / "products-table").write_text("products")
        else:
            (mounted.path / "orders-table").unlink()
        await it.checks_again()

        assert (await told(it))[:2] == ("warn", STALE)


async def test_what_changes_while_the_start_waits_is_reported(
    watching: Settings, mounted: Mounted
) -> None:
    process = Runtime.begin(watching)
    # The start waits for its secret, and meanwhile the cluster's configuration changes.
    mounted.write(**{"orders-table": "orders-2", "tickets-table": "tickets"})

    with serving(create_app(watching, process=process)) as client:
        check = client.get("/health").json()["checks"]["configuration:freshness"][0]

    assert check["status"] == "warn"
    assert check["output"].startswith("The cluster's configuration has been newer")


@pytest.mark.parametrize("name", ["", "help.md"], ids=["directory", "file"])
async def test_a_changed_knowledge_file_is_reported(
    name: str, world: World, tmp_path: Path
) -> None:
    words = Mounted(tmp_path / "knowledge")
    words.write(**{"help.md": "## Shipping\nIt takes three days."})
    knowledge = read_knowledge(words.path / name)
    assistant = world.settings.assistant.model_copy(update={"knowledge": knowledge})
    settings = world.settings.model_copy(update={"assistant": assistant})
    async with pod(settings) as it:
        await it.checks_everything()
        before = await told(it)
        words.write(**{"help.md": "## Shipping\nIt takes four days."})
        await it.checks_again()

        assert (before[0], (await told(it))[:2]) == ("pass", ("warn", STALE))


async def test_a_directory_that_is_not_there_is_no_change(
    watching: Settings, mounted: Mounted
) -> None:
    mounted.path.rename(mounted.path.with_name("elsewhere"))

    async with pod(watching) as it:
        await it.checks_everything()

        assert (await told(it))[0] == "pass"


@pytest.fixture
def secrets(aws: str, world: World) -> Iterator[FaultProxy]:
    """Provide the proxy between the pod and Secrets Manager."""
    with fault_proxy(aws) as proxy:
        world.patch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", proxy.url)
        yield proxy


async def test_a_newer_version_of_the_secret_is_reported_and_what_is_not_known_is_a_warning(
    secrets: FaultProxy, world: World
) -> None:
    client = aws_client(
        "secretsmanager",
        endpoint_url=secrets.engine,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - no secret
    )
    name = world.settings.dynamodb.orders_table
    client.create_secret(Name=name, SecretString="{}")
    store = SecretStore(new_session("us-east-1"), name, {})
    started_with = SecretVersion((await store.read()).version, store.newest)

    async with pod(world.settings, secret=started_with) as it:

        async def seen_later(seconds: float) -> tuple[str, str, bool, float]:
            it.clock.advance(seconds)
            await it.checks_everything()
            return await told(it)

        await it.checks_everything()
        seen = [await told(it)]
        secrets.fail(Fault.DENIED)
        seen.append(await seen_later(60))
        secrets.heal()
        client.put_secret_value(SecretId=name, SecretString='{"OPENAI_MODEL": "another"}')
        seen.append(await seen_later(15))
        asked = secrets.calls["GetSecretValue"]
        # A call costs money, so there is none for a minute.
        seen.append(await seen_later(15))
        assert secrets.calls["GetSecretValue"] == asked

    denied = "This pod's role has no permission to read the secret with the service's settings."
    stale = STALE.replace("12:00", "12:01")
    assert seen == [
        ("pass", "", True, 0),
        ("warn", denied, True, 0),
        ("warn", stale, True, 1),
        ("warn", stale, True, 1),
    ]


def restarting(settings: Settings) -> Settings:
    """Return settings that restart the process for a new configuration."""
    startup = settings.startup.model_copy(update={"restart_on_stale_config": True})
    return settings.model_copy(update={"startup": startup})


async def test_a_pod_that_should_restarts_in_its_own_time_and_unready_first(
    watching: Settings, mounted: Mounted, events: list[Any]
) -> None:
    async with pod(restarting(watching)) as it:
        await it.checks_everything(8)
        mounted.write(**{"orders-table": "orders-2"})
        await it.checks_again(8)
        it.clock.advance(it.health.rhythm.sample_every[0])
        await it.checks_everything(8)
        before = (it.lifecycle.ending, await it.is_ready())
        it.clock.advance(it.health.rhythm.restart_within)
        await it.checks_everything(7)
        after = (it.lifecycle.ending, await it.is_ready(), it.lifecycle.linger)

    assert before == (False, True)
    assert after == (True, False, it.health.rhythm.linger)
    assert it.lifecycle.failure is None
    (planned,) = [event for event in events if event["event"] == "restart_planned"]
    assert 0 <= planned["in_seconds"] <= 300


async def test_a_pod_whose_configuration_came_back_does_not_restart(
    watching: Settings, mounted: Mounted
) -> None:
    # The restart waits for a random part of this, which is longer than the fault lasts.
    async with pod(restarting(watching), restart_within=10_000_000.0) as it:
        await it.checks_everything(8)
        mounted.write(**{"orders-table": "orders-2", "tickets-table": "tickets"})
        await it.checks_again(8)
        it.clock.advance(it.health.rhythm.sample_every[0])
        await it.checks_everything(8)
        mounted.write(**{"orders-table": "orders", "tickets-table": "tickets"})
        await it.checks_again(8)
        it.clock.advance(it.health.rhythm.restart_within)
        await it.checks_everything(8)

        assert it.lifecycle.ending is False
        assert await it.is_ready()


def _settings(**environ: str) -> Settings:
    return load_settings({"ENVIRONMENT": "local", **environ}).settings


DIFFERENT = [
    {"PORT": "5001"},
    {"OPENAI_API_KEY": "sk-another-key-of-the-right-length-0000000000"},
    {"DYNAMODB_ORDERS_TABLE": "other-orders"},
]


@pytest.mark.parametrize("change", DIFFERENT)
def test_a_fingerprint_is_the_same_for_the_same_configuration_only(
    change: dict[str, str],
) -> None:
    plain = {"OPENAI_API_KEY": "sk-some-key-of-the-right-length-00000000000"}

    mark = fingerprint(_settings(**plain))

    assert len(mark) == 12
    assert fingerprint(_settings(**plain)) == mark
    assert fingerprint(_settings(**plain | change)) != mark


def test_the_knowledge_files_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    words = tmp_path / "help.md"
    marks = []
    for text in ("three days", "four days", "three days"):
        words.write_text(f"## Shipping\nIt takes {text}.")
        marks.append(fingerprint(_settings(ASSISTANT_KNOWLEDGE=str(words))))

    assert marks[0] == marks[2] != marks[1]
