"""`cloudmart pipeline query`: SQL over the rows of a local shop's orders."""

import json
import socket
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cloudmart.cli.command_settings import EXIT_FAILED
from cloudmart.cli.pipeline.command import EXIT_AWAY, console, print_json
from cloudmart.pipeline.place import place_of

Json = Annotated[bool, typer.Option("--json", help="For a program to read.")]
Port = Annotated[int, typer.Option(min=1, max=65535, envvar="PORT", help="Where the shop listens.")]
Question = Annotated[str, typer.Argument(metavar="SQL", help="One SELECT over the table `orders`.")]

_PATIENCE = 30.0


def query(sql: Question, *, port: Port = 5000, as_json: Json = False) -> None:
    """Ask the warehouse of `cloudmart dev --pipeline`, in DuckDB's SQL.

    Exit code 1 if the question is wrong, 69 if no such shop runs.
    """
    answer = _ask(port, sql)
    if error := answer.get("error"):
        typer.echo(error, err=True)
        raise typer.Exit(EXIT_FAILED)
    columns, rows = answer["columns"], answer["rows"]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        table = Table(*columns, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(Text(_shown(value), overflow="fold") for value in row))
        console().print(table)
    if answer["more"]:
        typer.echo(f"There are more than these {len(rows)} rows.", err=True)


def _ask(port: int, sql: str) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(_PATIENCE)
        try:
            asking.connect(str(place_of(port)))
            asking.sendall(sql.encode())
            asking.shutdown(socket.SHUT_WR)
            with asking.makefile("rb") as answer:
                told: dict[str, Any] = json.load(answer)
        except (OSError, ValueError):
            typer.echo(
                f"No `cloudmart dev --pipeline` answers for port {port}. Another one is named by "
                "--port.",
                err=True,
            )
            raise typer.Exit(EXIT_AWAY) from None
    return told


def _shown(value: object) -> str:
    return "" if value is None else str(value)
