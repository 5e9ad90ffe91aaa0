"""Signals that end a command in order: what it has begun is closed, and its exit code says why."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the process as Ctrl-C does: with 143 and 129.

    What somebody has told the process to ignore (`nohup`) stays ignored.
    """
    got: list[int] = []

    def end(number: int, _: object) -> None:
        got.append(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            raise SystemExit(128 + number)
        # asyncio cancels its tasks then, at a point where each of them waits. An exception raised
        # here would come between two steps of a task, and leave behind what it has half begun.
        signal.raise_signal(signal.SIGINT)

    former = {each: signal.getsignal(each) for each in _SIGNALS}
    heeded = [each for each, handler in former.items() if handler is not signal.SIG_IGN]
    for each in heeded:
        signal.signal(each, end)
    try:
        yield
    except KeyboardInterrupt:
        if got:
            raise SystemExit(128 + got[0]) from None
        raise
    finally:
        for each in heeded:
            signal.signal(each, former[each])
