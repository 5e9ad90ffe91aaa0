"""`cloudmart catalogue`: the products as a file."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Annotated

import typer

from cloudmart.cli.catalogue.export import (
    STANDARD_OUTPUT,
    Format,
    format_of,
    open_destination,
    write_catalogue_file,
)
from cloudmart.cli.catalogue.loading import CatalogueLoader, LoadTally, with_progress
from cloudmart.cli.catalogue.reading import UnreadableFileError, read_catalogue_file
from cloudmart.cli.command_settings import settings_for_command
from cloudmart.cli.data_store_errors import OF_AWS, Tell, explanation
from cloudmart.composition.clients import open_database
from cloudmart.dynamodb.table import Table
from cloudmart.errors import CloudmartError
from cloudmart.products.repository import ProductRepository
from cloudmart.settings import Settings

app = typer.Typer(help="Load the catalogue from a file, or export it to one.", no_args_is_help=True)

FileToRead = Annotated[
    typer.FileBinaryRead,
    typer.Argument(metavar="FILE", help="The file to load; `-` is standard input."),
]
FileToWrite = Annotated[
    Path,
    typer.Argument(
        metavar="[FILE]",
        dir_okay=False,
        allow_dash=True,
        help="The file to write; `-` is standard output.",
    ),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        help="The format. By default the ending of the file's name decides, otherwise JSON.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and compare, and write nothing.")]


@app.command()
def load(file: FileToRead, *, dry_run: DryRun = False) -> None:
    """Load products from a file: a JSON array, JSON Lines or CSV.

    An entry has a name and a price, and may have an id, a description and an image. With an id it
    changes that product or adds it. Without one it is a new product each time. Fields that it
    leaves out stay as they are. Bad entries are reported and left out. The exit code is then 1, as
    for a file without entries.
    """
    settings = settings_for_command(os.environ)
    with _explaining(), with_progress(file, "Loading") as (content, tell):
        tally = asyncio.run(_load(settings, content, tell, dry_run=dry_run))
    if not tally.seen:
        typer.echo("This file has no entries: nothing was loaded.", err=True)
        raise typer.Exit(1)
    typer.echo(_summary(tally, dry_run=dry_run))
    raise typer.Exit(1 if tally.bad else 0)


@app.command()
def export(file: FileToWrite = STANDARD_OUTPUT, *, form: FormatOption = None) -> None:
    """Write the catalogue to a file that `load` can read again."""
    if form is None:
        try:
            form = format_of(file)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    settings = settings_for_command(os.environ)
    with _explaining():
        count = asyncio.run(_export(settings, file, form))
    typer.echo(f"Products exported: {count}.", err=True)


async def _load(
    settings: Settings, file: BufferedReader, tell: Tell, *, dry_run: bool
) -> LoadTally:
    async with _products(settings) as products:
        loader = CatalogueLoader(products, tell, dry_run=dry_run)
        await loader.load(read_catalogue_file(file))
        return loader.tally


async def _export(settings: Settings, path: Path, form: Format) -> int:
    async with _products(settings) as products:
        with open_destination(path) as file:
            return await write_catalogue_file(products.list_all(), form, file)


@asynccontextmanager
async def _products(settings: Settings) -> AsyncIterator[ProductRepository]:
    async with open_database(settings) as database:
        yield ProductRepository(Table(database, settings.dynamodb.products_table))


@contextmanager
def _explaining() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except (CloudmartError, *OF_AWS) as error:
        sentence = explanation(error)
    except UnreadableFileError as error:
        sentence = f"This file cannot be loaded. {error}"
    except OSError as error:
        sentence = f"{error.filename or 'The file'}: {error.strerror}."
    else:
        return
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def _summary(tally: LoadTally, *, dry_run: bool) -> str:
    title = "Nothing was written. It would be" if dry_run else "Loaded"
    counts = f"{tally.new} new, {tally.changed} changed, {tally.unchanged} unchanged"
    summary = f"{title}: {counts}, {tally.bad} bad."
    if tally.without_id:
        summary += (
            f"\nEntries without an id: {tally.without_id}. They are new products each time this "
            "file is loaded; `cloudmart catalogue export` writes a file with their ids."
        )
    return summary
