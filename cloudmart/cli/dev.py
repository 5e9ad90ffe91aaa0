"""`cloudmart dev`: the shop on a person's machine, with no cloud account."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import sys
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from io import BufferedReader
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from cloudmart.app import create_app
from cloudmart.cli.catalogue.loading import CatalogueLoader
from cloudmart.cli.catalogue.reading import UnreadableFileError, read_catalogue_file
from cloudmart.cli.command_settings import DOTENV, log_as_told, log_warnings
from cloudmart.composition.clients import open_database
from cloudmart.composition.runtime import Runtime
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.table import Table
from cloudmart.observability.logging import configure_logging
from cloudmart.products.repository import ProductRepository
from cloudmart.server.listen import LOOPBACK, CannotListenError, bind_all, serve_until_end
from cloudmart.server.server import Server
from cloudmart.settings import Environment, LogFormat, Settings, load_settings
from cloudmart.settings.sources import dotenv_source

_HERE = ",".join(LOOPBACK)

_PORT = 5000

PortOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        envvar="PORT",
        help="The port to listen on; 0 means any free port. By default PORT in .env, or 5000.",
    ),
]
CatalogueOption = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        envvar="CATALOGUE",
        help="Your own products instead of the samples: JSON, JSON Lines or CSV.",
    ),
]
HostOption = Annotated[
    str,
    typer.Option(
        help="The addresses to listen at, separated by commas; a container needs 0.0.0.0,::"
    ),
]
EmptyOption = Annotated[bool, typer.Option("--empty", help="Start without the sample catalogue.")]
PipelineOption = Annotated[
    bool,
    typer.Option(
        "--pipeline",
        help="Send orders to DuckDB, as production sends them to BigQuery; "
        "`/api/pipeline/status` shows how they get there.",
    ),
]


def dev(
    port: PortOption = None,
    *,
    host: HostOption = _HERE,
    empty: EmptyOption = False,
    pipeline: PipelineOption = False,
    catalogue: CatalogueOption = None,
) -> None:
    """Run the shop with an embedded DynamoDB and a sample catalogue."""
    port = _port_of_dotenv() if port is None else port
    with contextlib.suppress(KeyboardInterrupt), _listening(host, port) as listeners:
        try:
            _run(listeners, empty=empty, pipeline=pipeline, catalogue=catalogue)
        except UnreadableFileError as error:
            _fail(f"This catalogue cannot be loaded. {error}")
    # The interpreter would look through all of it for garbage once more: most of a second.
    gc.freeze()
    # A terminal has just shown ^C.
    typer.echo("\n" * sys.stdout.isatty() + "Stopped. The data is gone.")


def _port_of_dotenv() -> int:
    told = dotenv_source(DOTENV).find(("PORT",))
    if told is None:
        return _PORT
    if not told.value.isdecimal() or int(told.value) > 65535:  # noqa: PLR2004 - the largest port
        _fail(f"PORT in {DOTENV} is no port: {told.value!r}. Right: a number up to 65535.")
    return int(told.value)


def _run(
    listeners: Sequence[socket.socket],
    *,
    empty: bool,
    pipeline: bool,
    catalogue: BufferedReader | None,
) -> None:
    try:
        # moto warns of what it lacks; we say it better below.
        with warnings.catch_warnings(action="ignore"):
            # Not above: what serves in production has nothing of local mode.
            from cloudmart.local import embedded, seed  # noqa: PLC0415
            from cloudmart.local.pipeline import local_pipeline, open_idle_pipeline  # noqa: PLC0415

            if pipeline:
                from cloudmart.local.pipeline import local_pipeline  # noqa: PLC0415
    except ModuleNotFoundError as error:
        _fail(
            f"`cloudmart dev` needs {str(error.name).split('.')[0]}, which is not installed. "
            "Install CloudMart with the extra `local`: pip install 'cloudmart[local]'"
        )
    # As Ctrl-C does: whatever is open is closed, whenever it comes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    configure_logging(json=False)
    for expected in ("uvicorn", "cloudmart.composition.providers", "cloudmart.pipeline"):
        logging.getLogger(expected).setLevel(logging.WARNING)
    with embedded.embedded_dynamodb() as url:
        environ = embedded.offline_aws_environment(os.environ, url)
        os.environ.clear()
        os.environ.update(environ)
        address, port = listeners[0].getsockname()[:2]
        told = {**environ, "ENVIRONMENT": Environment.LOCAL, "PORT": str(port)}
        loaded = load_settings(told, secrets={}, dotenv=DOTENV)
        log_as_told(loaded.settings.log, LogFormat.CONSOLE)
        log_warnings(loaded.report)
        names = loaded.settings.dynamodb
        bare = empty or catalogue is not None
        furnish = partial(seed.seed_tables, names=names, empty=bare)
        products = asyncio.run(_with_database(loaded.settings, furnish))
        kind = "sample products"
        if catalogue is not None:
            table = names.products_table
            load = partial(_load, table=table, file=catalogue)
            products = asyncio.run(_with_database(loaded.settings, load))
            kind = f"products of {catalogue.name}"
        process = Runtime.begin(loaded.settings, environ=environ)
        idling = contextlib.nullcontext(open_idle_pipeline)
        with local_pipeline(names.orders_table) if pipeline else idling as open_pipeline:
            lifecycle = process.health.lifecycle
            server = Server(
                create_app(loaded.settings, process=process, open_pipeline=open_pipeline),
                lifecycle,
                # Long enough for an answer that is on its way, short enough for who pressed Ctrl-C.
                grace=1,
                announce=lambda: _tell(
                    address, port, f"{products} {kind}" if products else "empty", pipeline=pipeline
                ),
            )
            serve_until_end(server, lifecycle, listeners)


async def _with_database(settings: Settings, furnish: Callable[[Database], Awaitable[int]]) -> int:
    async with open_database(settings) as database:
        return await furnish(database)


async def _load(database: Database, table: str, file: BufferedReader) -> int:
    """Load a file of products, and return how many there are then."""
    loader = CatalogueLoader(ProductRepository(Table(database, table)), _say, dry_run=False)
    await loader.load(read_catalogue_file(file))
    if not loader.tally.seen:
        raise UnreadableFileError("It has no entries.")
    return loader.tally.new


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _tell(address: str, port: int, catalogue: str, *, pipeline: bool) -> None:
    # A server that listens on all addresses is reached here too, or through a published port.
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is only compared
    reached = loopback.get(address, address)
    home = f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
    Console(highlight=False, soft_wrap=True).print(
        "[bold]CloudMart is running.[/]",
        "",
        f"  API        [cyan]{home}/api[/]",
        f"  Docs       [cyan]{home}/docs[/]",
        f"  Catalogue  {catalogue}",
        *([f"  Pipeline   [cyan]{home}/api/pipeline/status[/]"] if pipeline else []),
        "",
        "The data is in memory only. Ctrl-C stops the shop and deletes it.",
        sep="\n",
    )
    sys.stdout.flush()


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    another = port % 65535 + 1
    choice = f"Choose another: `cloudmart dev --port {another}`, or `make dev PORT={another}`."
    try:
        listeners = bind_all(host.split(","), port)
        for each in listeners:
            # Now, not when all is ready: a request that comes meanwhile waits.
            each.listen()
    except CannotListenError as error:
        if error.errno in {errno.EACCES, errno.EPERM}:
            _fail(f"Port {port} may not be used by this account. {choice}")
        if error.errno == errno.EADDRINUSE:
            _fail(f"Port {port} is in use. {choice}")
        reason = str(error.strerror).partition(" (")[0]
        _fail(f"CloudMart cannot listen at {error.address}: {reason}.")
    with contextlib.ExitStack() as stack:
        for each in listeners:
            stack.enter_context(each)
        yield listeners


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)
