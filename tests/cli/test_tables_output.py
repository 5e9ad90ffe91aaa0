"""How `cloudmart tables` shows its steps."""

import re
from io import StringIO

from rich.console import Console

from cloudmart.cli.tables_output import LiveWatcher, PlainWatcher
from cloudmart.dynamodb.refusals import PartState
from cloudmart.orders.indexes import INDEXED_ORDERS, ORDERS_BY_EMAIL
from cloudmart.tables.backfill import BackfillTally
from cloudmart.tables.steps import AddIndex, RunBackfill, TableFinding

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

INDEX = AddIndex("orders", ORDERS_BY_EMAIL)
BACKFILL = RunBackfill("orders", INDEXED_ORDERS, "conversations")


def console(*, terminal: bool) -> Console:
    """Return a console that keeps what is printed."""
    return Console(file=StringIO(), width=100, force_terminal=terminal, color_system=None)


def printed(console: Console) -> str:
    """Return what was printed."""
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def test_without_a_terminal_the_progress_is_printed_now_and_then() -> None:
    out, times = console(terminal=False), iter([0, 5, 15, 20, 0, 1, 40, 41])
    watcher = PlainWatcher(out, clock=lambda: next(times))

    watcher.begins(INDEX)
    for seconds in (5, 15, 20):
        watcher.waits(INDEX, seconds)
    watcher.ends(TableFinding("orders", INDEX.part, PartState.OK))
    watcher.begins(BACKFILL)
    for seen in (500, 1500, 2000):
        watcher.reads(
            BACKFILL, BackfillTally("orders", seen=seen, updated=seen // 10, expected=4000)
        )
    watcher.ends(
        TableFinding("orders", BACKFILL.part, PartState.DENIED, "the permission x:Y is missing")
    )

    assert printed(out).splitlines() == [
        "orders: add the index emailKey-createdAt-index (emailKey + createdAt) …",
        "  still running after 15 s",
        "  done",
        "orders: give orders the attributes of the indexes …",
        "  1,500 of about 4,000 orders read, 150 updated",
        "  denied: the permission x:Y is missing",
    ]


def test_a_terminal_shows_a_bar_below_the_same_lines() -> None:
    out = console(terminal=True)

    with LiveWatcher(out) as watcher:
        watcher.begins(INDEX)
        watcher.waits(INDEX, 5)
        watcher.ends(TableFinding("orders", INDEX.part, PartState.OK))
        watcher.begins(BACKFILL)
        watcher.reads(BACKFILL, BackfillTally("orders", seen=1500, updated=150, expected=4000))
        out.print("between")
        watcher.ends(TableFinding("orders", BACKFILL.part, PartState.OK, "4,000 orders read"))

    shown = _CONTROL.sub("", printed(out)).replace("\r", "\n").splitlines()
    assert any(
        "━" in line and "1,500 of about 4,000 orders read, 150 updated" in line for line in shown
    )
    assert [line for line in shown if line.startswith(("orders: ", "  done"))] == [
        "orders: add the index emailKey-createdAt-index (emailKey + createdAt) …",
        "  done",
        "orders: give orders the attributes of the indexes …",
        "  done: 4,000 orders read",
    ]
