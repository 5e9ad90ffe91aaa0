"""Run the command line as `cloudmart` or `python -m cloudmart`."""

import errno
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from cloudmart.observability.standard_streams import open_closed_streams

# Libraries of the service use these where they are installed, for what it never asks for: a client
# in another library, coloured tracebacks, a server that reloads. They take 50 ms and 6 MB.
_LEFT_OUT = ("greenlet", "httpx", "rich", "watchfiles")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main() -> None:
    """Run the command line."""
    open_closed_streams()
    # By default the first process of a container ignores a signal to stop.
    signal.signal(signal.SIGTERM, _stop)
    try:
        # Imported modules stay until the end: the garbage collector need not look through them.
        gc.disable()
        command = _command()
        gc.freeze()
        gc.enable()
        command()
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _end_full(error)


def _command() -> Callable[[], object]:
    """Import what is asked for, and return it.

    Not above: it takes most of a second, in which a person may well press Ctrl-C.
    """
    if sys.argv[1:] == ["serve"]:
        # What a pod runs: the other commands would take a tenth of its start, and 5 MB for good.
        with _as_not_installed(_LEFT_OUT):
            from cloudmart.cli.serve import serve  # noqa: PLC0415

        return serve
    from cloudmart.cli.commands import app  # noqa: PLC0415
    from cloudmart.observability.logging import configure_logging  # noqa: PLC0415

    # Standard output is for a command's answer; logs and errors go to standard error.
    configure_logging(json=False, level=logging.WARNING)
    return app


@contextmanager
def _as_not_installed(packages: Sequence[str]) -> Iterator[None]:
    """Let modules be imported as they are where some packages are not installed."""
    hidden = [name for name in packages if name not in sys.modules]
    # Python's own way to say so: docs.python.org/3/reference/import.html#the-module-cache
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _end_full(error: OSError) -> NoReturn:
    """End a command whose output cannot be written, and say so."""
    sys.stderr.write(f"The output cannot be written: {error.strerror}.\n")
    # At its end the interpreter would write the rest again, and fail with its own message.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


def _stop(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
