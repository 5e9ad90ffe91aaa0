"""A very long list of orders: how long it takes, and how long other clients wait meanwhile.

`make bench` runs it after the chats; `python -m bench.long_list --help` lists its options.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from http.client import HTTPConnection
from multiprocessing import get_context
from statistics import median
from typing import Annotated
from urllib.parse import urlsplit

import boto3
import typer
import uvloop
from rich.console import Console
from rich.progress import track

from bench.chatting_customers import step_back
from bench.dynamodb_engine import Engine, dynamodb
from bench.footprint import Footprint
from bench.load_generator import cpu_seconds
from bench.response_times import WATCHED, Waits, watch
from bench.servers import (
    HERE,
    Server,
    cloudmart,
    lower_children,
    processors,
    serving,
    started_on,
)
from bench.shop import ENVIRONMENT, NAMES, ORDERS, open_shop, order_item
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.codec import Item, encode_item
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import Table

_AT_ONCE = 25
_WRITERS = 8
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Reading:
    """A list, or a table, that was read to its end."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Round:
    """The results of one round."""

    idle: dict[str, Waits]
    meanwhile: dict[str, Waits]
    list: Reading
    scan: Reading
    cpu: float
    mebibytes: float
    grown: float
    """How many mebibytes the process has gained since before its first list."""

    def times(self, path: str) -> float:
        """Return the p99 with lists as a multiple of the p99 without."""
        return self.meanwhile[path].p99 / self.idle[path].p99


def read_list(url: str) -> Reading:
    """Read all orders and count them. It runs in its own process."""
    began = time.monotonic()
    content = b"".join(_pieces(url))
    took = time.monotonic() - began
    return Reading(len(json.loads(content)), took)


def read_lists(url: str, seconds: float) -> None:
    """Read one list after another until the time is over. It runs in its own process."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        for _ in _pieces(url):
            pass


def _pieces(url: str) -> Iterator[bytes]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=120)
    connection.request("GET", "/api/orders", headers={"Accept-Encoding": "identity"})
    answer = connection.getresponse()
    while piece := answer.read(_PIECE):
        yield piece
    connection.close()


def scan_table() -> Reading:
    """Read the table in pages as the service does, without using them: the fastest list."""
    return uvloop.run(_scan_table())


async def _scan_table() -> Reading:
    database = Database(new_session(), within=10, direct=True)
    await database.open()
    count, began = 0, time.monotonic()
    async for page in Table(database, NAMES.orders_table).scan_as(list):
        count += len(page.items)
    took = time.monotonic() - began
    await database.close()
    return Reading(count, took)


def fill(orders: int) -> None:
    """Add orders until the shop has this many."""
    items = (
        encode_item(order_item(ORDERS[number % len(ORDERS)]) | {"id": f"many{number:07}"})
        for number in range(orders - len(ORDERS))
    )
    client = boto3.client("dynamodb")
    with ThreadPoolExecutor(_WRITERS) as writers:
        writing = [writers.submit(_write, client, some) for some in _some_of(items)]
        for one in track(writing, "Filling", console=Console(stderr=True)):
            one.result()


def _some_of(items: Iterator[Item]) -> Iterator[list[Item]]:
    while some := [item for _, item in zip(range(_AT_ONCE), items, strict=False)]:
        yield some


def _write(client: object, items: Sequence[Item]) -> None:
    requests = [{"PutRequest": {"Item": item}} for item in items]
    client.batch_write_item(RequestItems={NAMES.orders_table: requests})  # type: ignore[attr-defined]


class Bench:
    """A server, and the processes that measure it and read its list."""

    def __init__(self, server: Server, seconds: float) -> None:
        self._server = server
        self._seconds = seconds
        self._first = Footprint.of(server.pid).mebibytes

    def measure(self) -> Round:
        """Measure the server without lists, then with them."""
        url, spawn = self._server.url, get_context("spawn")
        with (
            ProcessPoolExecutor(1, mp_context=spawn) as watcher,
            ProcessPoolExecutor(1, mp_context=spawn, initializer=step_back) as reader,
        ):
            for pool in (watcher, reader):
                pool.submit(os.getpid).result()
            idle = watcher.submit(watch, url, self._seconds).result()
            scan = reader.submit(scan_table).result()
            used = cpu_seconds(self._server.pid)
            alone = reader.submit(read_list, url).result()
            used = cpu_seconds(self._server.pid) - used
            # This includes the time in which the measuring process warms up.
            reading = reader.submit(read_lists, url, 1.3 * self._seconds)
            meanwhile = watcher.submit(watch, url, self._seconds).result()
            reading.result()
        memory = Footprint.of(self._server.pid).mebibytes
        return Round(idle, meanwhile, alone, scan, used, memory, memory - self._first)


@contextmanager
def _bench(engine: Engine, orders: int, seconds: float) -> Iterator[tuple[str, Bench]]:
    """Give the service its own processor. The other processes stand for other machines."""
    os.environ |= ENVIRONMENT
    mine, others = processors()
    with started_on(others), dynamodb(engine) as name, ExitStack() as stack:
        open_shop()
        fill(orders)
        lower_children()
        with started_on(mine):
            running = stack.enter_context(serving({"": cloudmart(HERE)}))
        yield name, Bench(running[""], seconds)


def main(
    *,
    orders: Annotated[int, typer.Option(min=20, help="Orders in the list.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often it is measured.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.01, help="Time of each watch.")] = 8,
    engine: Annotated[Engine, typer.Option(help="The DynamoDB to run on.")] = Engine.BEST,
    as_json: Annotated[bool, typer.Option("--json", help="Print each round, as JSON.")] = False,
) -> None:
    """Measure a long list, and how long other clients wait meanwhile."""
    busy = os.getloadavg()[0]
    with _bench(engine, orders, seconds) as (name, bench):
        # The first round warms up the engine and the service, and does not count.
        todo = track(range(rounds + 1), "Measuring", console=Console(stderr=True))
        found = [bench.measure() for _ in todo][1:]
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=1))
        return
    console = Console(width=150)
    console.print(
        f"{orders} orders; {name}; {os.cpu_count()} CPUs, load {busy:.1f} before the run; "
        f"Python {platform.python_version()}; median of {rounds} rounds (least to greatest)",
        highlight=False,
    )
    shown: dict[str, Callable[[Round], float]] = {
        "the list, seconds": lambda one: one.list.seconds,
        "its CPU, seconds": lambda one: one.cpu,
        "a bare scan, seconds": lambda one: one.scan.seconds,
        "the list divided by the scan": lambda one: one.list.seconds / one.scan.seconds,
        "memory, MiB": lambda one: one.mebibytes,
        "memory since the start, MiB": lambda one: one.grown,
    }
    for path in WATCHED:
        shown[f"{path}: p99 ms, idle"] = partial(_p99, path, "idle")
        shown[f"{path}: p99 ms, with lists"] = partial(_p99, path, "meanwhile")
        shown[f"{path}: times"] = partial(_times, path)
    for label, value in shown.items():
        values = [value(one) for one in found]
        spread = f"{median(values):#.3g} ({min(values):#.3g} to {max(values):#.3g})"
        console.print(f"{label}: {spread}", highlight=False)


def _p99(path: str, when: str, one: Round) -> float:
    waits: dict[str, Waits] = getattr(one, when)
    return waits[path].p99


def _times(path: str, one: Round) -> float:
    return one.times(path)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        typer.run(main)
