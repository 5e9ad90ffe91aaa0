"""What `cloudmart tables` prints: findings, a plan, and how its steps get on."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cloudmart.cli.watchers import LiveWatcher, PlainWatcher
from cloudmart.dynamodb.apply import Watcher
from cloudmart.dynamodb.findings import Finding, State

COLORS = {State.OK: "green", State.UNSUPPORTED: "dim", State.MISSING: "yellow"}
_PIPE_WIDTH = 200


def show(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Show findings, as a table or as JSON."""
    if as_json:
        typer.echo(json.dumps(_document(findings), indent=2))
        return
    table = Table("Table", "Part", "State", "Remark", box=None, pad_edge=False)
    for one in findings:
        color = COLORS.get(one.state, "red")
        table.add_row(one.table, one.part, f"[{color}]{one.state}[/]", one.remark)
    _console().print(table)


def show_plan(findings: Sequence[Finding]) -> None:
    """Say what is to be done, and what is not right but left alone."""
    out = _console()
    steps = [finding for finding in findings if finding.step]
    out.print("To do:" if steps else "There is nothing to do.")
    for finding in steps:
        remark = f" ({finding.remark})" if finding.remark else ""
        out.print(f"  {finding.table}: {finding.step}{remark}", markup=False)
    left = [one for one in findings if not one.step and one.state is not State.OK]
    if left:
        out.print("Left alone:")
    for one in left:
        out.print(f"  {one.table}: {one.part}: {one.state}: {one.remark}", markup=False)


@contextmanager
def watching() -> Iterator[Watcher]:
    """Show how steps get on: moving on a terminal, line by line elsewhere."""
    out = _console()
    if out.is_terminal:
        with LiveWatcher(out) as watcher:
            yield watcher
    else:
        yield PlainWatcher(out)


def _document(findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "ok": all(finding.state.is_fine for finding in findings),
        "findings": [
            {
                "table": finding.table,
                "part": finding.part,
                "state": finding.state,
                "remark": finding.remark,
                "step": str(finding.step) if finding.step else None,
            }
            for finding in findings
        ],
    }


def _console() -> Console:
    # What reads a pipe gets its lines whole.
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(highlight=False, width=width)
