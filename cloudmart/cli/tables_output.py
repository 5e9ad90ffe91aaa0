"""What `cloudmart tables` prints: findings, a plan, and the progress of its steps."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from cloudmart.dynamodb.refusals import PartState
from cloudmart.tables.apply import Watcher
from cloudmart.tables.backfill import BackfillTally
from cloudmart.tables.steps import RunBackfill, Step, TableFinding

_EVERY = 15.0

COLORS = {PartState.OK: "green", PartState.UNSUPPORTED: "dim", PartState.MISSING: "yellow"}
_PIPE_WIDTH = 200


class PlainWatcher:
    """Writes a line for each step, for its result, and now and then for its progress."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._next = 0.0

    def begins(self, step: Step) -> None:
        """Write what is to be done."""
        self._next = self._clock() + _EVERY
        self._say(f"{step.table}: {step} …")

    def waits(self, _: Step, seconds: float) -> None:
        """Write now and then that DynamoDB is still working."""
        self._say_at_times(f"  still running after {seconds:.0f} s")

    def reads(self, step: RunBackfill, tally: BackfillTally) -> None:
        """Write how far the backfill is, but not often."""
        self._say_at_times(f"  {progress_text(step, tally)}")

    def ends(self, finding: TableFinding) -> None:
        """Write its result."""
        self._say(f"  {outcome_text(finding)}")

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False)

    def _say_at_times(self, line: str) -> None:
        now = self._clock()
        if now >= self._next:
            self._next = now + _EVERY
            self._say(line)


class LiveWatcher:
    """Writes the same lines, and below them something that moves: a bar for the backfill."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", visible=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def begins(self, step: Step) -> None:
        """Write what is to be done, and begin to move."""
        self._say(f"{step.table}: {step} …")
        self._progress.reset(self._task, total=None, visible=True, description="")

    def waits(self, _: Step, __: float) -> None:
        """Leave it to the spinner and the clock."""

    def reads(self, step: RunBackfill, tally: BackfillTally) -> None:
        """Move the bar."""
        # DynamoDB counts items every six hours, so there may be more than it knows of.
        total = max(tally.expected, tally.seen) or None
        count = progress_text(step, tally)
        self._progress.update(
            self._task, completed=tally.seen, total=total, description=count, refresh=True
        )

    def ends(self, finding: TableFinding) -> None:
        """Write its result."""
        self._progress.update(self._task, visible=False, refresh=True)
        self._say(f"  {outcome_text(finding)}")

    def _say(self, line: str) -> None:
        self._progress.console.print(line, markup=False)


def progress_text(step: RunBackfill, tally: BackfillTally) -> str:
    """Return how far the backfill is, as a person reads it."""
    of = f" of about {tally.expected:,}" if tally.expected else ""
    verb = "to update" if step.dry_run else "updated"
    return f"{tally.seen:,}{of} {step.items.noun} read, {tally.updated:,} {verb}"


def outcome_text(finding: TableFinding) -> str:
    """Return the result of a step, as a person reads it."""
    word = "done" if finding.state is PartState.OK else finding.state
    return f"{word}: {finding.remark}" if finding.remark else word


def show_table_findings(findings: Sequence[TableFinding], *, as_json: bool) -> None:
    """Show findings, as a table or as JSON."""
    if as_json:
        typer.echo(json.dumps(_document(findings), indent=2))
        return
    table = Table("Table", "Part", "State", "Remark", box=None, pad_edge=False)
    for one in findings:
        color = COLORS.get(one.state, "red")
        table.add_row(one.table, one.part, f"[{color}]{one.state}[/]", one.remark)
    _console().print(table)


def show_plan(findings: Sequence[TableFinding]) -> None:
    """Say what is to be done, and what is wrong but stays as it is."""
    out = _console()
    steps = [finding for finding in findings if finding.step]
    out.print("To do:" if steps else "There is nothing to do.")
    for finding in steps:
        remark = f" ({finding.remark})" if finding.remark else ""
        out.print(f"  {finding.table}: {finding.step}{remark}", markup=False)
    left = [one for one in findings if not one.step and one.state is not PartState.OK]
    if left:
        out.print("Left alone:")
    for one in left:
        out.print(f"  {one.table}: {one.part}: {one.state}: {one.remark}", markup=False)


@contextmanager
def watch_steps() -> Iterator[Watcher]:
    """Show how steps get on: moving on a terminal, line by line elsewhere."""
    out = _console()
    if out.is_terminal:
        with LiveWatcher(out) as watcher:
            yield watcher
    else:
        yield PlainWatcher(out)


def _document(findings: Sequence[TableFinding]) -> dict[str, Any]:
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
