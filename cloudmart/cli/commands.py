"""The commands of the command line, together."""

import typer

from cloudmart.cli import (
    assistants,
    auth,
    catalogue,
    config,
    dev,
    doctor,
    iam,
    mcp,
    openapi,
    pipeline,
    rollout,
    serve,
    tables,
    verify,
)

app = typer.Typer(
    help="CloudMart's backend.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(dev.dev)
app.command()(serve.serve)
app.command()(openapi.openapi)
app.command()(config.config)
app.command()(doctor.doctor)
app.command()(mcp.mcp)
app.command()(rollout.rollout)
app.command()(verify.verify)
app.add_typer(assistants.app, name="assistants")
app.add_typer(auth.app, name="auth")
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(iam.app, name="iam")
app.add_typer(pipeline.app, name="pipeline")
app.add_typer(tables.app, name="tables")
