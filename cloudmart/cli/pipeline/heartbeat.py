"""`cloudmart pipeline heartbeat`: an order of nobody's, timed on its way to BigQuery."""

import os
from typing import Annotated

import typer

from cloudmart.cli.configured import EXIT_FAILED, configured_for_pipeline
from cloudmart.cli.pipeline.opened import AwayError, console, opened, print_json, run
from cloudmart.pipeline.heartbeat import Beat
from cloudmart.settings import Settings
from cloudmart.values.ids import new_id
from cloudmart.values.timestamp import stamp

Json = Annotated[bool, typer.Option("--json", help="For a program to read.")]
Timeout = Annotated[
    float, typer.Option(min=1, max=3600, help="Seconds it may take before it counts as lost.")
]


def heartbeat(*, timeout: Timeout = 60, as_json: Json = False) -> None:
    """Send an order of nobody's through the pipeline, and tell how long it took.

    It is hidden from every list and report, and goes after a day. Exit code 1 if it did not
    arrive in time, 69 if it could not be written or looked for.
    """
    settings = configured_for_pipeline(os.environ)
    beat, took = run(lambda: _send(settings, timeout))
    if as_json:
        print_json({"id": beat.id, "at": stamp(beat.at), "seconds": took and round(took, 2)})
    elif took is None:
        console().print(f"[red]{beat.id} did not arrive in BigQuery within {timeout:g} s.[/]")
    else:
        console().print(f"{beat.id} was in BigQuery after [green]{took:.1f} s[/].")
    if took is None:
        raise typer.Exit(EXIT_FAILED)


async def _send(settings: Settings, timeout: float) -> tuple[Beat, float | None]:  # noqa: ASYNC109 - it is not a deadline of ours alone
    async with opened(settings, patience=10) as pipeline:
        if pipeline.heartbeat is None:
            raise AwayError(f"There is no BigQuery to look into. {pipeline.questions}")
        beat = await pipeline.heartbeat.write(new_id())
        waiting = console(stderr=True)
        with waiting.status(f"{beat.id} is on its way …"):
            return beat, await pipeline.heartbeat.arrival(beat, timeout)
