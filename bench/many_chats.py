"""Many chats at once with a slow provider: how long other clients wait meanwhile.

`make bench` runs it after the routes; `python -m bench.many_chats --help` lists its options.
"""

import json
import os
import platform
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from statistics import median
from typing import Annotated, Self

import typer
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.chatting_customers import Plan, step_back, talk
from bench.dynamodb_engine import Engine, dynamodb
from bench.footprint import Footprint
from bench.response_times import WATCHED, Waits, watch
from bench.servers import (
    HERE,
    Program,
    Server,
    cloudmart,
    lower_children,
    processors,
    serving,
    started_on,
)
from bench.shop import ENVIRONMENT, open_shop

_WHOLE = 100.0
"""Numbers from this size on are shown without decimals."""


@dataclass(frozen=True, slots=True)
class Round:
    """The results without chats, and then with all chats running."""

    idle: dict[str, Waits]
    busy: dict[str, Waits]
    answers: Waits
    seconds: float
    footprints: dict[str, Footprint]

    def times(self, path: str) -> float:
        """Return the p99 with chats as a multiple of the p99 without."""
        return self.busy[path].p99 / self.idle[path].p99

    @property
    def cpu(self) -> float:
        """Return the share of a processor that the service used during the chats."""
        return (self.footprints["late"].cpu - self.footprints["early"].cpu) / self.seconds

    @property
    def cpu_of_an_answer(self) -> float:
        """Return the CPU seconds of one answer, without those of the measuring requests."""
        marks = self.footprints
        watching = (marks["idle"].cpu - marks["before"].cpu) * _asked(self.busy)
        busy = marks["late"].cpu - marks["early"].cpu
        return (busy - watching / _asked(self.idle)) / self.answers.count


def _asked(waits: dict[str, Waits]) -> int:
    return sum(wait.count for wait in waits.values())


class Bench:
    """A server, and the processes that measure it and chat with it."""

    def __init__(self, server: Server, plan: Plan, seconds: float) -> None:
        self._server = server
        self._plan = plan
        self._seconds = seconds
        spawn = get_context("spawn")
        self._watcher = ProcessPoolExecutor(1, mp_context=spawn)
        self._talkers = ProcessPoolExecutor(1, mp_context=spawn, initializer=step_back)

    def __enter__(self) -> Self:
        """Start the processes. This takes longer than some measurements."""
        for pool in (self._watcher, self._talkers):
            pool.submit(os.getpid).result()
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        for pool in (self._watcher, self._talkers):
            pool.shutdown()

    def measure(self) -> Round:
        """Measure the server without chats, then with them."""
        before = self._footprint()
        idle = self._watch()
        quiet = self._footprint()
        # By then every chat has had one answer.
        lead = 2 * self._plan.answer
        lasts = lead + 1.2 * self._seconds
        talking = self._talkers.submit(talk, self._server.url, self._plan, lasts)
        time.sleep(lead)
        early, began = self._footprint(), time.monotonic()
        busy = self._watch()
        late, ended = self._footprint(), time.monotonic()
        answers = [one.took for one in talking.result() if began <= one.at <= ended]
        return Round(
            idle,
            busy,
            Waits.of(answers),
            ended - began,
            {"before": before, "idle": quiet, "early": early, "late": late},
        )

    def _watch(self) -> dict[str, Waits]:
        return self._watcher.submit(watch, self._server.url, self._seconds).result()

    def _footprint(self) -> Footprint:
        return Footprint.of(self._server.pid)


@contextmanager
def _bench(engine: Engine, plan: Plan, seconds: float) -> Iterator[tuple[str, Bench]]:
    """Give the service its own processor. The other processes stand for other machines."""
    mine, others = processors()
    os.environ |= ENVIRONMENT | {
        "ANSWER_SECONDS": str(plan.answer),
        "AI_DAILY_TOKENS": "1000000000",
    }
    with (
        started_on(others),
        dynamodb(engine) as name,
        serving({"": Program(["bench.slow_openai"])}) as slow,
    ):
        open_shop()
        lower_children()
        os.environ |= {"OPENAI_API_KEY": "EMPTY", "OPENAI_BASE_URL": f"{slow[''].url}/v1"}
        with ExitStack() as stack:
            with started_on(mine):
                running = stack.enter_context(serving({"": cloudmart(HERE)}))
            yield name, stack.enter_context(Bench(running[""], plan, seconds))


def main(  # noqa: PLR0913 - its options
    *,
    chats: Annotated[int, typer.Option(min=1, help="Chats under way at once.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, help="How often it is measured.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.01, help="Time of each measurement.")] = 15,
    answer: Annotated[float, typer.Option(min=0.01, help="Seconds an answer takes.")] = 3,
    engine: Annotated[Engine, typer.Option(help="The DynamoDB to run on.")] = Engine.BEST,
    as_json: Annotated[bool, typer.Option("--json", help="Print each round, as JSON.")] = False,
) -> None:
    """Measure how many chats with a slow provider delay other clients."""
    busy = os.getloadavg()[0]
    with _bench(engine, Plan(chats, answer), seconds) as (name, bench):
        # The first round warms up the engine and the service, and does not count.
        todo = track(range(rounds + 1), "Measuring", console=Console(stderr=True))
        found = [bench.measure() for _ in todo][1:]
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=1))
        return
    console = Console(width=150)
    console.print(
        f"{chats} chats, an answer takes {answer} s; {name}; {os.cpu_count()} CPUs, "
        f"load {busy:.1f} before the run; Python {platform.python_version()}; "
        f"median of {rounds} rounds (least to greatest)",
        highlight=False,
    )
    _show(found, console)


def _show(found: list[Round], console: Console) -> None:
    table = Table("", "p50 ms", "p99 ms", "p99 with chats", "times", box=box.MARKDOWN)
    for path in WATCHED:
        table.add_row(
            path,
            _middle([one.idle[path].p50 for one in found]),
            _middle([one.idle[path].p99 for one in found]),
            _middle([one.busy[path].p99 for one in found]),
            _middle([one.times(path) for one in found]),
        )
    console.print(table)
    took = (
        f"p50 {_middle([one.answers.p50 for one in found])} ms, "
        f"p99 {_middle([one.answers.p99 for one in found])} ms"
    )
    console.print(f"{_middle([one.answers.count for one in found])} answers a round, {took}")
    console.print(
        f"CPU with chats: {_middle([100 * one.cpu for one in found])} % of a processor, "
        f"{_middle([1000 * one.cpu_of_an_answer for one in found])} ms for each answer"
    )
    for when in found[0].footprints:
        marks = [one.footprints[when] for one in found]
        threads = _middle([mark.threads for mark in marks])
        memory = _middle([mark.mebibytes for mark in marks])
        console.print(f"{when}: {threads} threads, {memory} MiB")


def _middle(values: list[float]) -> str:
    least, middle, most = map(_number, (min(values), median(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({least} to {most})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= _WHOLE else f"{value:.3g}"


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        typer.run(main)
