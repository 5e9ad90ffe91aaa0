"""`cloudmart mcp`: the assistants' tools for other programs."""

import asyncio
import os
from typing import Annotated, NoReturn

import typer

from cloudmart.cli.command_settings import settings_for_command
from cloudmart.findings.finding import CheckExit
from cloudmart.values.email import address_in


def _customer(value: str | None) -> str | None:
    if value is not None and address_in(value) != value:
        raise typer.BadParameter("an e-mail address is wanted, such as ada@example.com")
    return value


def mcp(
    *,
    customer: Annotated[
        str | None,
        typer.Option(
            callback=_customer,
            help="The e-mail address of the customer whose orders may be read. "
            "Without it no order may.",
        ),
    ] = None,
    allow_changes: Annotated[
        bool,
        typer.Option(
            "--allow-changes",
            help="Also let that customer's orders be canceled, and tickets opened, as far as "
            "AI_ORDER_TOOLS and AI_TICKETS allow it. A person at the client confirms each.",
        ),
    ] = False,
) -> None:
    """Offer the assistants' tools by the Model Context Protocol, on standard input and output.

    A client starts this command, and ends it. It reads the shop's tables with your credentials
    and settings. The rules are those of a chat: an order is shown only to its owner, and a change
    happens after a person has typed the code.
    """
    if allow_changes and customer is None:
        raise typer.BadParameter("it needs --customer", param_hint="--allow-changes")
    try:
        # Not above: it is an extra, and its library takes a while to import.
        from cloudmart.mcp_server.server import serve_tools  # noqa: PLC0415
    except ModuleNotFoundError as error:
        _wrong(
            f"`cloudmart mcp` needs {str(error.name).split('.')[0]}, which is not installed. "
            "Install CloudMart with the extra `mcp`: pip install 'cloudmart[mcp]'"
        )
    settings = settings_for_command(os.environ)
    asyncio.run(serve_tools(settings, customer, changes=allow_changes))


def _wrong(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(CheckExit.CALLED_WRONGLY)
