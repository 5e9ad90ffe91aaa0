"""The command line: one file a group of commands."""

import typer

from cloudmart.cli import config, dev, openapi, serve

app = typer.Typer(
    help="CloudMart's backend.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(dev.dev)
app.command()(serve.serve)
app.command()(openapi.openapi)
app.command()(config.config)


def main() -> None:
    """Run the command line."""
    app()
