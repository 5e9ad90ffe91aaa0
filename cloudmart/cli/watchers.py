"""Watchers of `cloudmart tables`: one that moves on a terminal, one that writes lines."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cloudmart.dynamodb.findings import Finding, State
from cloudmart.dynamodb.steps import RunBackfill, Step
from cloudmart.dynamodb.tally import Tally

_EVERY = 15.0


class PlainWatcher:
    """Writes a line for each step, for what came of it, and now and then between."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._next = 0.0

    def begins(self, step: Step) -> None:
        """Write what is to be done."""
        self._next = self._clock() + _EVERY
        self._say(f"{step.table}: {step} …")

    def waits(self, _: Step, seconds: float) -> None:
        """Write that DynamoDB is still at it, but not often."""
        self._say_at_times(f"  still at it after {seconds:.0f} s")

    def reads(self, step: RunBackfill, tally: Tally) -> None:
        """Write how far the backfill is, but not often."""
        self._say_at_times(f"  {progress(step, tally)}")

    def ends(self, finding: Finding) -> None:
        """Write what came of it."""
        self._say(f"  {outcome(finding)}")

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

    def reads(self, step: RunBackfill, tally: Tally) -> None:
        """Move the bar."""
        # DynamoDB counts items every six hours, so there may be more than it knows of.
        total = max(tally.expected, tally.seen) or None
        count = progress(step, tally)
        self._progress.update(
            self._task, completed=tally.seen, total=total, description=count, refresh=True
        )

    def ends(self, finding: Finding) -> None:
        """Write what came of it."""
        self._progress.update(self._task, visible=False, refresh=True)
        self._say(f"  {outcome(finding)}")

    def _say(self, line: str) -> None:
        self._progress.console.print(line, markup=False)


def progress(step: RunBackfill, tally: Tally) -> str:
    """Return how far the backfill is, as a person reads it."""
    of = f" of about {tally.expected:,}" if tally.expected else ""
    verb = "to mend" if step.dry_run else "mended"
    return f"{tally.seen:,}{of} {step.items.noun} read, {tally.mended:,} {verb}"


def outcome(finding: Finding) -> str:
    """Return what came of a step, as a person reads it."""
    word = "done" if finding.state is State.OK else finding.state
    return f"{word}: {finding.remark}" if finding.remark else word
