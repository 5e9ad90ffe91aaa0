"""A shop for drills: the service on loopback, fakes of AWS and providers, and customers."""

import asyncio
import io
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cloudmart.app import create_app
from cloudmart.composition.runtime import Runtime
from cloudmart.findings.finding import CheckFinding, CheckStatus
from cloudmart.health.state import Health, Timing
from cloudmart.local.embedded import REGION, embedded_dynamodb
from cloudmart.local.event_source import (
    BatchDelivery,
    EventSourceMapping,
    StreamPoller,
    StreamReader,
)
from cloudmart.observability.logging import configure_logging
from cloudmart.pipeline.carry.carrier import Carrier, carry_batch
from cloudmart.pipeline.carry.quarantine import S3QuarantineIntake
from cloudmart.pipeline.ports import Warehouse
from cloudmart.rollout.release import render_overlay
from cloudmart.server.protocol import BoundedProtocol
from cloudmart.server.server import Server
from cloudmart.server.slow_readers import limit_send_buffer
from cloudmart.settings import load_settings
from tests.doctor.healthy import HealthyShop, healthy_shop
from tests.drills.collector import Collector, collecting
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.overlays import copied, fill
from tests.support.ready_app import settled
from tests.support.responses_api import answer
from tests.support.scripted_server import Reply, Request
from tests.support.shop_tables import KETTLE, LAMP, put
from tests.support.watched_pipeline import ending_in

PATIENCE = 60.0
EMAIL = "ann.drill@example.org"
WORDS = "my grandmother wants the green lamp"
ANSWERED = "We have two lamps that she may like"
_MANY = "1000000"
_LEFT_OUT = {"event", "level", "logger", "timestamp", "request_id", "trace_id", "span_id"}
# What a pod does within minutes, it does here within a second, and a busy machine is let be slow.
_TIMING = Timing(sample_every=(0.3, 0.6), probe_within=20)
_ENVIRON = {
    "ENVIRONMENT": "local",
    "AUTH": "off",
    "DYNAMODB_TIMEOUT": "10",
    "CATALOGUE_TTL": "0.2",
    "PIPELINE_HEARTBEAT": "0",
    "TRUSTED_PROXIES": "127.0.0.1/32",
    **dict.fromkeys(
        ("RATE_LIMIT_READ", "RATE_LIMIT_WRITE", "RATE_LIMIT_CHAT", "RATE_LIMIT_EMAIL"), _MANY
    ),
}


@dataclass(slots=True)
class DrilledShop:
    """A running shop into which a fault can be put, and everything that shows it."""

    world: HealthyShop
    sts: FaultProxy
    log: io.StringIO
    collector: Collector
    url: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    """The settings of the service. What stands here before it starts replaces the default."""
    openai: Callable[[Request], Reply] = lambda _: answer(ANSWERED)
    """Answers a step of a chat."""
    rows: Warehouse | None = None
    """The warehouse of the Lambda, if it is not the service's."""
    end: Callable[[], object] = lambda: None
    """Ends the service."""
    going_on: ExitStack = field(default_factory=ExitStack)
    """Closes what a fault leaves running, at the end of the drill."""

    @property
    def dynamodb(self) -> FaultProxy:
        """The proxy in front of DynamoDB."""
        return self.world.aws.proxy

    @property
    def config(self) -> Path:
        """The directory in place of the mounted ConfigMap."""
        return Path(self.world.environ["CLOUDMART_CONFIG_DIR"])

    @property
    def health(self) -> Any:  # noqa: ANN401 - JSON
        """The health report; None if it does not answer."""
        try:
            return httpx2.get(f"{self.url}/health", timeout=30).json()
        except httpx2.TransportError:
            return None

    @property
    def secrets(self) -> Mapping[str, str]:
        """Texts that no log line and no label may contain, by their kind."""
        return {
            "an e-mail": EMAIL,
            "a customer's words": WORDS,
            "an assistant's words": ANSWERED,
            "OpenAI's key": self.world.environ["OPENAI_API_KEY"],
            "Azure's key": self.world.environ["AZURE_API_KEY"],
            "the pod's token": self.world.aws.token.read_text("utf-8"),
        }

    @property
    def orders(self) -> set[str]:
        """The ids of all orders that customers have placed."""
        aws = self.world.aws
        pages = (
            aws.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=aws.names.orders_table, ProjectionExpression="id")
        )
        return {item["id"]["S"] for page in pages for item in page["Items"]}

    def diagnose(self) -> list[CheckFinding]:
        """Return what the doctor does not find well, or cannot learn, with the pod as it is now."""
        pod = self.world.pod["metadata"]["name"]
        if health := self.health:
            self.world.says(pod, **health)
            self.world.shows(lambda: httpx2.get(f"{self.url}/metrics", timeout=30).text)
        self.world.cluster.scenario.logs[pod] = self.log.getvalue()
        self.world.parts["interval"] = 3.0
        found = asyncio.run(self.world.look()).values()
        return [each for each in found if each.status not in {CheckStatus.PASS, CheckStatus.SKIP}]


@contextmanager
def drilled_shop(
    directory: Path, begin: Callable[[DrilledShop], object] = lambda _: None
) -> Iterator[DrilledShop]:
    """Open the shop, let customers in, and wait until it is healthy.

    `begin` is called with the shop before the service starts.
    """
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        engine = stack.enter_context(embedded_dynamodb())
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_REGION", REGION)
        rendered = render_overlay(fill(copied(directory) / "overlays" / "production"))
        world = stack.enter_context(healthy_shop(rendered, engine, directory, patch))
        sts = stack.enter_context(fault_proxy(engine))
        patch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        shop = DrilledShop(world, sts, io.StringIO(), stack.enter_context(collecting()))
        models = world.providers.answer_openai
        world.providers.openai.answer = lambda request: (
            shop.openai(request) if request.path.endswith("/responses") else models(request)
        )
        put(world.aws.client("dynamodb"), world.aws.names.products_table, LAMP, KETTLE)
        begin(shop)
        stack.enter_context(_served(shop))
        stack.enter_context(_carrying(shop))
        stack.enter_context(_customers(shop))
        stack.enter_context(shop.going_on)
        yield shop


@contextmanager
def _served(shop: DrilledShop) -> Iterator[None]:
    shop.environ = {
        **shop.world.environ,
        **_ENVIRON,
        **shop.collector.environ,
        **shop.environ,
    }
    configure_logging(json=True)
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(shop.log)
    settings = load_settings(shop.environ).settings
    process = Runtime.begin(settings, Health(rhythm=_TIMING), shop.environ)
    app = create_app(
        settings, process=process, open_pipeline=ending_in(shop.world.warehouse, within=PATIENCE)
    )
    lifecycle = process.health.lifecycle
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        limit_send_buffer(listening)
        server = Server(app, lifecycle, protocol=BoundedProtocol)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        shop.end = lifecycle.end_now
        try:
            shop.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            deadline = time.monotonic() + PATIENCE
            while not (server.started and settled({"services": {Health: process.health}})):
                assert time.monotonic() < deadline, shop.log.getvalue()
                time.sleep(0.05)
            yield
        finally:
            lifecycle.end_now()
            thread.join()


@contextmanager
def _carrying(shop: DrilledShop) -> Iterator[None]:
    """Play Lambda: pass the stream's records to the function's code."""
    intake = S3QuarantineIntake(shop.world.environ["PIPELINE_QUARANTINE_BUCKET"])
    carrier = Carrier(shop.rows or shop.world.warehouse, intake)
    aws = shop.world.aws
    table = aws.client("dynamodb").describe_table(TableName=aws.names.orders_table)["Table"]
    reader = StreamReader(aws.client("dynamodbstreams"), table["LatestStreamArn"])
    mapping = EventSourceMapping(bisect=True, retries=5, age=3600, partial=True)
    delivery = BatchDelivery(lambda event: carry_batch(carrier, event), mapping, lambda _: None)
    with working(StreamPoller(reader, delivery).run):
        yield


@contextmanager
def _customers(shop: DrilledShop) -> Iterator[None]:
    """Play customers and staff until the end."""
    with ExitStack() as stack:
        for work in (_browse, _order, _chat, _watch):
            stack.enter_context(working(partial(_repeat, shop, work)))
        yield


def _repeat(
    shop: DrilledShop, work: Callable[[httpx2.Client], None], stopping: threading.Event
) -> None:
    with httpx2.Client(base_url=shop.url, timeout=30) as client:
        for number in count():
            if stopping.wait(0.2):
                return
            # There are many customers, each with a separate address.
            client.headers["X-Forwarded-For"] = f"203.0.113.{number % 250}"
            try:
                work(client)
            except httpx2.TransportError:
                continue


def _browse(client: httpx2.Client) -> None:
    client.get("/api/products")
    client.get("/api/products/1")


def _order(client: httpx2.Client) -> None:
    lines = [{"productId": "1", "quantity": 1}]
    placed = client.post("/api/orders", json={"userEmail": EMAIL, "items": lines})
    if placed.is_success:
        client.get(f"/api/orders/{placed.json()['id']}")
    client.get("/api/orders/user", params={"email": EMAIL})
    client.post("/api/tickets", json={"userEmail": EMAIL, "subject": "Lamp", "message": WORDS})


def _chat(client: httpx2.Client) -> None:
    begun = client.post("/api/ai/start")
    if begun.is_success:
        client.post("/api/ai/message", json=begun.json() | {"message": WORDS})


def _watch(client: httpx2.Client) -> None:
    client.get("/api/pipeline/status")


@contextmanager
def working(run: Callable[[threading.Event], object]) -> Iterator[None]:
    """Run something in a thread until the context ends."""
    stopping = threading.Event()
    thread = threading.Thread(target=run, args=[stopping], daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(PATIENCE)


def shown(log: str, most: int = 8) -> list[str]:
    """Return the last warnings and errors of a log, for people."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    told = [each for each in lines if each.get("level") in {"warning", "error"}]
    return [
        " ".join(
            [
                str(each["event"]),
                *(f"{key}={value}" for key, value in each.items() if key not in _LEFT_OUT),
            ]
        )[:240]
        for each in told[-most:]
    ]
