"""Logs as events: JSON lines for machines, coloured lines on a terminal."""

import logging
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TextIO

import structlog

TERMINATION_LOG = Path("/dev/termination-log")
_MOST_BYTES = 4096  # of it are kept
_CUT = b"\n..."


def log_dropped_lines(lines: int) -> None:
    """Log how many lines of the log were left out because nobody read it."""
    structlog.stdlib.get_logger(__name__).warning("log_lines_dropped", lines=lines)


class _LineLogger:
    """Writes the lines of our own events.

    They need no record of the standard library's: to make one, and to look through the stack for
    who logs, takes half of the time of a line.
    """

    def __init__(self, name: str, handler: logging.StreamHandler[TextIO]) -> None:
        self.name = name
        self._handler = handler

    def msg(self, line: str) -> None:
        """Write a line, unless there is nobody to take it."""
        with self._handler.lock or nullcontext(), suppress(OSError, ValueError):
            self._handler.stream.write(f"{line}\n")
            self._handler.flush()

    debug = info = warning = error = critical = exception = log = msg


def configure_logging(*, json: bool, level: int = logging.INFO) -> None:
    """Send the events of our code and of the libraries to stderr, one line each."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks go without local variables, which hold customers' data and secrets.
    renderers: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if json
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    structlog.configure(
        processors=[*shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda name="cloudmart": _LineLogger(name, handler),
        cache_logger_on_first_use=True,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # They log each request they make, and each retry, at levels meant for their authors.
    for chatty in ("aiobotocore", "botocore", "azure", "httpx2", "openai", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Each failed renewal would log a traceback. Health reports it once.
    for source in ("credentials", "tokens"):
        logging.getLogger(f"aiobotocore.{source}").setLevel(logging.ERROR)


def write_termination_message(message: str, path: Path = TERMINATION_LOG) -> None:
    """Write why the process ends, where Kubernetes reads it; elsewhere there is no such file."""
    text = message.encode()
    if len(text) > _MOST_BYTES:
        text = text[: _MOST_BYTES - len(_CUT)].decode(errors="ignore").encode() + _CUT
    # The message stands on stderr as well: a log that cannot be written must not hide it.
    with suppress(OSError):
        if path.exists():
            path.write_bytes(text)
