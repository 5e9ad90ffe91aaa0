"""`cloudmart config`: what the process would be told, and what is wrong with it."""

import json
import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from cloudmart.cli.configured import (
    DOTENV,
    EXIT_CONFIGURATION,
    EXIT_FAILED,
    UNREAD,
    load,
    why_unread,
)
from cloudmart.cli.overview import as_document, as_table
from cloudmart.settings import Loaded, load_settings
from cloudmart.settings.reference import reference
from cloudmart.settings.refusal import refusal
from cloudmart.settings.serving import for_serving

_WIDE = 160
_UNDECIDED = "All is in order, but `cloudmart serve` refuses to start until AUTH is set.\n"


def config(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="The page docs/configuration.md instead.")
    ] = False,
) -> None:
    """Show every setting: its value, its source, its state.

    Secrets are shown as set or unset and a digest. Exits with 78 if a setting is wrong, with 1 if
    the secret that CLOUDMART_SECRET_ID names cannot be read, else with 0.
    """
    if as_markdown:
        sys.stdout.write(reference())
        return
    loaded, unread = _load()
    serving = loaded if unread else for_serving(loaded)
    if as_json:
        document = as_document(loaded, starts=not serving.report.refusals)
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        console = Console(width=None if sys.stdout.isatty() else _WIDE)
        console.print(as_table(loaded))
    if unread:
        sys.stderr.write(f"The secret cannot be read, so its settings are not shown. {unread}\n")
    sys.stderr.writelines(f"{each.sentence}\n" for each in loaded.report.misspelt)
    if loaded.report.refusals:
        sys.stderr.write(refusal(loaded.report.refusals))
        raise typer.Exit(EXIT_CONFIGURATION)
    if unread:
        raise typer.Exit(EXIT_FAILED)
    if serving.report.refusals:
        sys.stderr.write(_UNDECIDED)


def _load() -> tuple[Loaded, str | None]:
    try:
        return load(os.environ), None
    except UNREAD as error:
        return load_settings(os.environ, dotenv=DOTENV), why_unread(error)
