"""`cloudmart config`: what the process would be told, and what is wrong with it."""

import json
import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from cloudmart.cli.configured import (
    EXIT_CONFIGURATION,
    EXIT_FAILED,
    load_what_can_be_read,
)
from cloudmart.cli.overview import as_document, as_table
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
    loaded, unread = load_what_can_be_read(os.environ)
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
