"""The answers to probes in each state; answering must cost nothing."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.services import TABLE_THROTTLED
from cloudmart.health.state import Dependency
from cloudmart.settings import Settings
from tests.health.world import ASSUME, World, expiring_in
from tests.support.clocked_app import Pod, pod
from tests.support.fault_proxy import Fault, FaultProxy, Refusal
from tests.support.snapshots import Snapshots

PATHS = ("/health", "/ready", "/startupz")
ALIASES = {"/health": ("/livez", "/api/health"), "/ready": ("/readyz",), "/startupz": ()}
ASSISTANT = Dependency("openai", "availability", affects=("start_thread", "send_thread_message"))


async def look(pod: Pod) -> dict[str, Any]:
    """Return all answers to probes, without the parts that differ each time."""
    seen: dict[str, Any] = {}
    for path in PATHS:
        answer = await pod.client.get(path)
        assert answer.headers["Content-Type"] == "application/health+json"
        assert answer.headers["Cache-Control"] == "no-store"
        for alias in ALIASES[path]:
            same = await pod.client.get(alias)
            assert (same.status_code, same.json()) == (answer.status_code, answer.json())
        body = answer.json()
        assert body.pop("releaseId")
        assert [note.split(" ")[0] for note in body.pop("notes")] == [
            "rate",
            "configuration",
            "access",
        ]
        seen[path] = {"code": answer.status_code, **body}
    return seen


async def _starting(world: World, it: Pod) -> None:
    await it.waits()
    assert world.sts.calls[ASSUME]


async def _well(_: World, it: Pod) -> None:
    await it.checks_everything()


async def _without_store(world: World, it: Pod) -> None:
    await it.checks_everything()
    world.dynamodb.stop()
    await it.checks_again()


async def _draining(_: World, it: Pod) -> None:
    await it.checks_everything()
    it.lifecycle.end()


async def _given_up(_: World, it: Pod) -> None:
    await it.gives_up()


async def _unchecked(_: World, it: Pod) -> None:
    await it.checks_everything()
    # As if the background work hung: time passes, and no task wakes.
    it.clock.seconds += 600


async def _without_assistant(_: World, it: Pod) -> None:
    it.health.disable(ASSISTANT, "OPENAI_API_KEY is not set.")
    await it.checks_everything()


async def _with_a_wrong_assistant(_: World, it: Pod) -> None:
    it.health.disable(ASSISTANT, "OPENAI_API_KEY is a placeholder.", alarming=True)
    await it.checks_everything()


async def _with_a_slow_store(world: World, it: Pod) -> None:
    await it.checks_everything()
    it.health.rhythm = replace(it.health.rhythm, probe_within=0.2)
    world.dynamodb.fail(Fault.HANG, "GetItem")
    await it.checks_again()


async def _with_expired_credentials(world: World, it: Pod) -> None:
    await it.checks_everything()
    world.sts.rewrite = expiring_in(-1)
    await it.checks_again()
    world.sts.fail(Refusal(403, "AccessDenied", "Not authorized"), ASSUME)
    await it.checks_again()


async def _as_another_role(_: World, it: Pod) -> None:
    await it.checks_everything()


async def _with_old_configuration(world: World, it: Pod) -> None:
    await it.checks_everything()
    (config_of(world) / "orders-table").write_text("orders-2")
    await it.checks_again()


def config_of(world: World) -> Path:
    """Return the directory of the mounted ConfigMap."""
    return world.token_file.with_name("config")


def _surround(state: str, world: World) -> Settings:
    """Put a pod into a state at its start, and return its settings."""
    if state in {"starting", "given up"}:
        world.sts.fail(Refusal(403, "AccessDenied", "Not authorized"), ASSUME)
    if state == "with expired credentials":
        world.sts.rewrite = expiring_in(300)
    if state == "as another role":
        world.patch.setenv("AWS_ACCESS_KEY_ID", "test")
        world.patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    config_of(world).mkdir()
    settings = world.with_patience(8)
    sources = settings.sources.model_copy(update={"config_dir": config_of(world)})
    return settings.model_copy(update={"sources": sources})


STATES: dict[str, Callable[[World, Pod], Any]] = {
    "starting": _starting,
    "well": _well,
    "without its data store": _without_store,
    "with a data store that hangs": _with_a_slow_store,
    "draining": _draining,
    "given up": _given_up,
    "unchecked": _unchecked,
    "without an assistant": _without_assistant,
    "with an assistant that is configured wrongly": _with_a_wrong_assistant,
    "with expired credentials": _with_expired_credentials,
    "as another role": _as_another_role,
    "with old configuration": _with_old_configuration,
}


@pytest.mark.parametrize("state", STATES)
async def test_probes_show_every_state_and_no_name(
    state: str, world: World, snapshot: Snapshots
) -> None:
    async with pod(_surround(state, world)) as it:
        await STATES[state](world, it)
        seen = await look(it)

    told = str(seen)
    assert "arn:" not in told
    assert "127.0.0.1" not in told
    assert "amazonaws" not in told
    assert world.settings.dynamodb.orders_table not in told
    snapshot.check(state, seen)


@pytest.mark.parametrize("path", PATHS)
async def test_a_probe_is_answered_without_waiting_or_asking_anybody(
    path: str, world: World
) -> None:
    events: list[str] = []
    listening = False
    sent: list[Message] = []

    def audit(event: str, _: object) -> None:
        if listening and event.startswith(("open", "socket.", "os.", "subprocess.")):
            events.append(event)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    async with pod(world.settings) as it:
        await it.checks_everything()
        await it.client.get(path)  # Some objects are created at the first request.
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [],
            "server": ("pod", 80),
        }
        answering = it.app(scope, receive, send)
        sys.addaudithook(audit)
        listening = True
        # One step of the coroutine is enough: it never waits.
        with pytest.raises(StopIteration):
            answering.__await__().__next__()
        listening = False

    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200
    assert events == []


async def test_an_outage_of_the_store_leaves_pods_ready_and_passes_without_a_restart(
    faults: FaultProxy, settings: Settings
) -> None:
    async with pod(settings) as it:
        await it.checks_everything()

        async def load() -> set[int]:
            answers = [await it.client.get("/api/products/none") for _ in range(3)]
            return {answer.status_code for answer in answers}

        async def under_load() -> set[int]:
            return set().union(*await asyncio.gather(*(load() for _ in range(10))))

        before = await under_load()
        faults.stop()
        during, *_ = await asyncio.gather(under_load(), it.checks_again())
        ready, report = await it.is_ready(), await it.report()
        refused = await it.client.get("/api/products/none")
        faults.start()
        await it.checks_again()
        after = await under_load()
        recovered = await it.report()

    assert (before, during, after) == ({404}, {503}, {404})
    assert int(refused.headers["Retry-After"]) > 0
    assert ready
    assert report["status"] == "warn"
    assert report["checks"]["products:responseTime"][0]["output"] == (
        "The shop's data store does not answer."
    )
    assert report["checks"]["products:responseTime"][0]["affectedEndpoints"] == [
        "/api/products",
        "/api/orders",
    ]
    assert recovered["status"] == "pass"


async def test_a_dependency_others_report_on_is_shown_and_logged_when_it_changes(
    world: World, events: list[Any]
) -> None:
    async with pod(world.settings) as it:
        await it.checks_everything()
        for _ in range(2):
            it.health.failed(ASSISTANT, DependencyError(TABLE_THROTTLED))
        failing = await it.check("openai:availability")
        it.health.succeeded(ASSISTANT)
        recovered = await it.check("openai:availability")

    assert failing["output"] == TABLE_THROTTLED.sentence
    assert failing["affectedEndpoints"] == ["/api/ai/start", "/api/ai/message"]
    assert recovered["status"] == "pass"
    assert [event["event"] for event in events if event.get("dependency") == "openai"] == [
        "dependency_failing",
        "dependency_recovered",
    ]
