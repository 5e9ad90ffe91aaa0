"""`cloudmart pipeline`: the order pipeline's state, test, comparison and repair."""

import typer

from cloudmart.cli.pipeline import reconcile, replay, status

app = typer.Typer(
    help="The pipeline of orders to BigQuery: show, test, compare and repair it.",
    no_args_is_help=True,
)
app.command()(status.status)
app.command()(status.heartbeat)
app.command()(reconcile.reconcile)
app.command()(replay.replay)
