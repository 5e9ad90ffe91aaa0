"""Signals that end a command in order: what it has begun is closed, and its exit code says why."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the process as Ctrl-C does: with 143 and 129.

    What somebody has told the process to ignore (`nohup`) stays ignored.
    """

    def end(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    former = {each: signal.getsignal(each) for each in _SIGNALS}
    heeded = [each for each, handler in former.items() if handler is not signal.SIG_IGN]
    for each in heeded:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in heeded:
            signal.signal(each, former[each])
