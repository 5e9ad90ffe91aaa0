"""Compare CloudMart with bare programs: `make bench`, or `python -m bench --help`."""

import json
import os
import platform
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from bench import report
from bench.cases import FASTAPI, SIGNED, Case, cases
from bench.dynamodb_engine import Engine, dynamodb
from bench.load_generator import Limits, generate
from bench.report import Findings
from bench.servers import BARE_FASTAPI, BARE_SIGNED, HERE, cloudmart, serving
from bench.shop import ENVIRONMENT, open_shop

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(  # noqa: PLR0913 - its options
    *,
    rounds: Annotated[int, typer.Option(min=1, help="How often each case is measured.")] = 10,
    seconds: Annotated[float, typer.Option(min=0.01, help="Time of each measurement.")] = 0.5,
    calls: Annotated[int, typer.Option(min=2, help="Calls a measurement may make.")] = 10_000,
    connections: Annotated[int, typer.Option(min=1, help="Calls under way at once.")] = 8,
    case: Annotated[list[str] | None, typer.Option(help="Only cases whose name has this.")] = None,
    engine: Annotated[Engine, typer.Option(help="The DynamoDB to run on.")] = Engine.BEST,
    against: Annotated[
        list[Path] | None, typer.Option(help="Another checkout of CloudMart to compare with this.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each round, as JSON.")] = False,
) -> None:
    """Compare CloudMart with bare FastAPI and bare aioboto3, in one run."""
    # Measured first, before this process imports anything of ours.
    busy = os.getloadavg()[0]
    programs = {
        "CloudMart": cloudmart(HERE),
        **{checkout.name: cloudmart(checkout) for checkout in against or ()},
        FASTAPI: BARE_FASTAPI,
        SIGNED: BARE_SIGNED,
    }
    with _shop(engine) as name, serving(programs) as running:
        chosen = [one for one in cases(running) if any(part in one.name for part in case or [""])]
        findings = _measure(chosen, Limits(seconds, calls, connections), rounds)
    conditions = {
        "engine": name,
        "machine": f"{os.cpu_count()} CPUs ({platform.machine()}), load {busy:.1f} before the run",
        "Python": platform.python_version(),
        "measured": f"{rounds} rounds of {seconds} s, {connections} connections",
    }
    if as_json:
        plain = {"conditions": conditions, "findings": _plain(findings)}
        typer.echo(json.dumps(plain, indent=1))
    else:
        report.show(conditions, findings, Console(width=150))


@contextmanager
def _shop(engine: Engine) -> Iterator[str]:
    os.environ |= ENVIRONMENT
    with dynamodb(engine) as name:
        open_shop()
        yield name


def _measure(chosen: Sequence[Case], limits: Limits, rounds: int) -> Findings:
    """Measure everything once in each round, so that a disturbance affects all cases alike."""
    todo = [
        (number, case, subject)
        # The first round warms up the engine and does not count.
        for number in range(rounds + 1)
        for case in chosen
        # The order changes each round, because a case that follows another one is slower.
        for subject in random.Random(number).sample(list(case.loads), len(case.loads))  # noqa: S311
    ]
    findings: Findings = {one.name: {subject: [] for subject in one.loads} for one in chosen}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as generator:
        for number, case, subject in track(todo, "Measuring", console=Console(stderr=True)):
            sample = generator.submit(generate, case.loads[subject], limits).result()
            if number:
                findings[case.name][subject].append(sample)
    return findings


def _plain(findings: Findings) -> dict[str, dict[str, list[dict[str, float]]]]:
    return {
        case: {subject: [asdict(sample) for sample in samples] for subject, samples in each.items()}
        for case, each in findings.items()
    }


if __name__ == "__main__":
    app()
