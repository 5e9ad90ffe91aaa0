"""Many chats at once with a provider that is slow: what everybody else notices of them.

`make bench` runs it after the routes; `python -m bench.chats --help` tells its options.
"""

import asyncio
import json
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from http import HTTPStatus
from multiprocessing import get_context
from pathlib import Path
from statistics import quantiles
from typing import Annotated

import aiohttp
import typer
import uvloop
from rich import box
from rich.console import Console
from rich.table import Table

from bench.engine import Engine, dynamodb
from bench.servers import HERE, Program, Server, cloudmart, serving
from bench.shop import ENVIRONMENT, open_shop

WATCHED = ("/health", "/api/products")
"""What is asked for beside the chats: the first is answered without the store."""

_BREATHER = 0.01

# Percentiles take two.
_FEWEST = 2
_MESSAGE = "Which lamps do you have?"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many chats, for how long, with an answer every so many seconds."""

    chats: int
    seconds: float
    answer: float


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a request took, in milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, took: list[float]) -> "Waits":
        """Return the percentiles of some times in seconds."""
        percentiles = quantiles(took, n=100, method="inclusive")
        return cls(percentiles[49] * 1000, percentiles[98] * 1000)


@dataclass(frozen=True, slots=True)
class Footprint:
    """The threads, the memory and the time on a processor of a process (Linux tells)."""

    threads: int
    mebibytes: float
    cpu: float

    @classmethod
    def of(cls, pid: int) -> "Footprint":
        """Return what a process has now."""
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        cpu = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
        return cls(int(status["Threads"]), int(status["VmRSS"].split()[0]) / 1024, cpu)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured: without chats, and with all of them under way."""

    idle: dict[str, Waits]
    busy: dict[str, Waits]
    answers: int
    answer: Waits
    seconds: float
    footprints: dict[str, Footprint]


async def measure(server: Server, plan: Plan) -> Findings:
    """Watch a server without chats, then with them."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(server.url, connector=connector) as session:
        await _watch(session, plan.seconds / 5)
        idle = await _watch(session, plan.seconds)
        footprints = {"before": Footprint.of(server.pid)}
        took: list[float] = []
        begins = [plan.answer * number / plan.chats for number in range(plan.chats)]
        chats = [asyncio.create_task(_chat(session, took, after)) for after in begins]
        # By then every chat has been answered once, and no two wait in step.
        await _watch(session, 2 * plan.answer)
        footprints["early"] = Footprint.of(server.pid)
        took.clear()
        began = time.perf_counter()
        busy = await _watch(session, plan.seconds)
        while len(took) < _FEWEST and not any(chat.done() for chat in chats):
            await _watch(session, plan.answer)
        footprints["late"] = Footprint.of(server.pid)
        lasted = time.perf_counter() - began
        for chat in chats:
            chat.cancel()
        for ended in await asyncio.gather(*chats, return_exceptions=True):
            if isinstance(ended, RuntimeError):
                raise ended
    return Findings(idle, busy, len(took), Waits.of(took), lasted, footprints)


async def _watch(session: aiohttp.ClientSession, seconds: float) -> dict[str, Waits]:
    times: dict[str, list[float]] = {path: [] for path in WATCHED}
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends or len(times[WATCHED[-1]]) < _FEWEST:
        for path, took in times.items():
            started = time.perf_counter()
            async with session.get(path) as answer:
                await answer.read()
                answer.raise_for_status()
            took.append(time.perf_counter() - started)
        await asyncio.sleep(_BREATHER)
    return {path: Waits.of(took) for path, took in times.items()}


async def _chat(session: aiohttp.ClientSession, took: list[float], after: float) -> None:
    await asyncio.sleep(after)
    thread = await _post(session, "/api/ai/start", {})
    while True:
        began = time.perf_counter()
        await _post(session, "/api/ai/message", thread | {"message": _MESSAGE})
        took.append(time.perf_counter() - began)


async def _post(session: aiohttp.ClientSession, path: str, body: dict[str, str]) -> dict[str, str]:
    async with session.post(path, json=body) as answer:
        content: dict[str, str] = await answer.json(content_type=None)
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"{path}: {answer.status} {content}")
    return content


def run(server: Server, plan: Plan) -> Findings:
    """Measure a server: what the load generator's process runs."""
    return uvloop.run(measure(server, plan))


def main(
    *,
    chats: Annotated[int, typer.Option(min=1, help="Chats under way at once.")] = 200,
    seconds: Annotated[float, typer.Option(min=0.01, help="Time of each measurement.")] = 15,
    answer: Annotated[float, typer.Option(min=0.01, help="Seconds an answer takes.")] = 3,
    engine: Annotated[Engine, typer.Option(help="The DynamoDB to run on.")] = Engine.BEST,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Measure what many chats with a slow provider cost everybody else."""
    busy = os.getloadavg()[0]
    plan = Plan(chats, seconds, answer)
    os.environ |= ENVIRONMENT | {"ANSWER_SECONDS": str(answer), "AI_DAILY_TOKENS": "1000000000"}
    with dynamodb(engine) as name, serving({"": Program(["bench.slow_openai"])}) as slow:
        open_shop()
        os.environ |= {"OPENAI_API_KEY": "EMPTY", "OPENAI_BASE_URL": f"{slow[''].url}/v1"}
        with (
            serving({"": cloudmart(HERE)}) as running,
            ProcessPoolExecutor(1, mp_context=get_context("spawn")) as generator,
        ):
            findings = generator.submit(run, running[""], plan).result()
    if as_json:
        typer.echo(json.dumps(asdict(findings), indent=1))
        return
    console = Console(width=150)
    console.print(
        f"{chats} chats, an answer takes {answer} s; {name}; {os.cpu_count()} CPUs, "
        f"load {busy:.1f} before the run; Python {platform.python_version()}",
        highlight=False,
    )
    _show(findings, console)


def _show(findings: Findings, console: Console) -> None:
    table = Table("", "p50 ms", "p99 ms", "p99 with chats", "times", box=box.MARKDOWN)
    for path, idle in findings.idle.items():
        busy = findings.busy[path]
        ratio = f"{busy.p99 / idle.p99:.2f}"
        table.add_row(path, f"{idle.p50:.2f}", f"{idle.p99:.2f}", f"{busy.p99:.2f}", ratio)
    console.print(table)
    waits = findings.answer
    console.print(f"{findings.answers} answers, p50 {waits.p50:.0f} ms, p99 {waits.p99:.0f} ms")
    cpu = findings.footprints["late"].cpu - findings.footprints["early"].cpu
    share, each = cpu / findings.seconds, 1000 * cpu / findings.answers
    console.print(f"CPU with chats: {share:.0%} of a processor, {each:.1f} ms for each answer")
    for when, footprint in findings.footprints.items():
        console.print(f"{when}: {footprint.threads} threads, {footprint.mebibytes:.1f} MiB")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        typer.run(main)
