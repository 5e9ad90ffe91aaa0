"""Logs as events: JSON lines for machines, coloured lines on a terminal."""

import logging
import sys
import time
from collections.abc import Callable

import structlog

_MALFORMED_EVERY = 1.0
"""Seconds between two lines about requests that are no HTTP: a client sends as many as it likes."""


class AtMostOneASecond(logging.Filter):
    """Lets one warning a second through and says how many there were besides."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._next = float("-inf")
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is written."""
        if record.levelno > logging.WARNING:
            return True
        now = self._now()
        if now < self._next:
            self._left_out += 1
            return False
        if self._left_out:
            record.msg = f"{record.getMessage()} ({self._left_out} more since the last such line)"
            record.args = ()
        self._next = now + _MALFORMED_EVERY
        self._left_out = 0
        return True


def tell_dropped(lines: int) -> None:
    """Log how many lines of the log were left out because nobody read it."""
    structlog.stdlib.get_logger(__name__).warning("log_lines_dropped", lines=lines)


def configure_logging(*, json: bool, level: int = logging.INFO) -> None:
    """Send the events of our code and of the libraries to stderr, one line each."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
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
    malformed = logging.getLogger("uvicorn.error")
    if not any(isinstance(each, AtMostOneASecond) for each in malformed.filters):
        malformed.addFilter(AtMostOneASecond())
    # A traceback for each renewal that fails: health says it once, and in words.
    logging.getLogger("aiobotocore.credentials").setLevel(logging.ERROR)
