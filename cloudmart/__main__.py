"""Run the command line as `cloudmart` or `python -m cloudmart`."""

import errno
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from cloudmart.observability.standard_streams import open_closed_streams

# What libraries of the service load wherever it is installed, for what the service never asks:
# coloured tracebacks, other clients and models, a server that reloads. 60 ms and 7 MB of a start.
_LEFT_OUT = ("greenlet", "httpx", "pydantic.v1", "rich", "watchfiles")
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
        # Python then says that they are not installed, which all these libraries are ready for.
        sys.modules.update(dict.fromkeys(_LEFT_OUT))  # type: ignore[arg-type]
        from cloudmart.cli.serve import serve  # noqa: PLC0415

        return serve
    from cloudmart.cli.commands import app  # noqa: PLC0415
    from cloudmart.observability.logging import configure_logging  # noqa: PLC0415

    # Standard output is for a command's answer; logs and errors go to standard error.
    configure_logging(json=False, level=logging.WARNING)
    return app


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
