"""`cloudmart doctor`: the deployment checklist from inside."""

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from cloudmart.cli.command_settings import load_what_can_be_read
from cloudmart.cli.ended_by_signals import ended_by_signals
from cloudmart.findings.finding import CheckExit
from cloudmart.observability.logging import configure_logging

_WIDEST = 86_400

Phase = Annotated[
    str | None, typer.Option(help="The phase of a release to check: pre, during or post.")
]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Areas or findings, separated by commas. You can repeat it."),
]
Wait = Annotated[
    float,
    typer.Option(min=0, max=_WIDEST, help="Seconds to wait for findings that may still change."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]
Junit = Annotated[
    Path | None, typer.Option(dir_okay=False, help="Also write the findings as JUnit's XML.")
]
Bundle = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        help=("Also write an archive for the person who helps you. It has no secrets."),
    ),
]
Demote = Annotated[
    list[str] | None, typer.Option(help="Report this finding as a warning. May be repeated.")
]
Listing = Annotated[bool, typer.Option("--list", help="List all findings, and check nothing.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with code 4 if there is a warning.")]
Every = Annotated[bool, typer.Option("--all", help="Also show what passed and what was skipped.")]
Context = Annotated[
    str | None, typer.Option(help="The cluster, by its name in kubectl's configuration.")
]
Namespace = Annotated[str | None, typer.Option(help="The namespace of the service.")]
Url = Annotated[str | None, typer.Option(help="The shop's address, if not PUBLIC_BASE_URL.")]


def doctor(
    *,
    phase: Phase = None,
    only: Only = None,
    wait: Wait = 0,
    as_json: Json = False,
    junit: Junit = None,
    bundle: Bundle = None,
    demote: Demote = None,
    listing: Listing = False,
    strict: Strict = False,
    every: Every = False,
    context: Context = None,
    namespace: Namespace = None,
    url: Url = None,
) -> None:
    """Check all that the service needs, and say what is wrong and what to do about it.

    It changes nothing and prints no secret. The settings are those of this process's environment
    or, where that has none, those of the Deployment that kubectl sees. Checks of AI providers may
    cost a fraction of a cent each: their findings say so. Exit codes: 0 nothing failed, 1
    something failed, 2 its arguments are wrong, 3 the command itself failed, 4 a warning with
    `--strict`. Ended by a signal: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP.
    """
    # Not above: no other command has a use for it.
    from cloudmart.doctor import command  # noqa: PLC0415
    from cloudmart.doctor.open_target import TargetOptions  # noqa: PLC0415

    try:
        choices = command.DoctorChoices(
            phase, _divided(only), _divided(demote), wait, TargetOptions(context, namespace, url)
        )
    except ValueError as error:
        _wrong(str(error))
    if listing:
        sys.stdout.writelines(f"{line}\n" for line in command.listed(choices))
        return
    # Findings report what the service's own clients would log.
    configure_logging(json=False, level=logging.CRITICAL)
    outputs = command.DoctorOutputs(as_json, junit, bundle, strict, every)
    try:
        with ended_by_signals(), _live() as tell:
            found = asyncio.run(command.diagnose(choices, os.environ, load_what_can_be_read, tell))
        code = command.tell_diagnosis(found, choices, outputs, typer.echo)
    except BrokenPipeError:
        raise
    except OSError as error:
        _broke(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception:  # noqa: BLE001 - a program must not take it for a finding
        traceback.print_exc()
        _broke("This is a bug in the doctor.")
    raise typer.Exit(code)


def _divided(told: list[str] | None) -> list[str]:
    return [each.strip() for text in told or () for each in text.split(",") if each.strip()]


@contextmanager
def _live() -> Iterator[Callable[[str], object]]:
    """Show what is waited for: in place on a terminal, else a line for each change, on stderr."""
    console = Console(stderr=True, highlight=False, markup=False)
    if console.is_terminal:
        with console.status("Looking") as status:
            yield status.update
        return
    before = [""]

    def tell(state: str) -> None:
        if state != before[0]:
            before[0] = state
            typer.echo(state, err=True)

    yield tell


def _wrong(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(CheckExit.CALLED_WRONGLY)


def _broke(sentence: str) -> NoReturn:
    typer.echo(f"The doctor failed, so it has no findings. {sentence}", err=True)
    raise typer.Exit(CheckExit.BROKE)
