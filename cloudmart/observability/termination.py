"""The last word of a process: what `kubectl describe pod` shows of why it ended."""

from contextlib import suppress
from pathlib import Path

TERMINATION_LOG = Path("/dev/termination-log")
_MOST_BYTES = 4096  # of it are kept
_CUT = b"\n..."


def write_last_words(message: str, path: Path = TERMINATION_LOG) -> None:
    """Write why the process ends, where Kubernetes reads it; elsewhere there is no such file."""
    text = message.encode()
    if len(text) > _MOST_BYTES:
        text = text[: _MOST_BYTES - len(_CUT)].decode(errors="ignore").encode() + _CUT
    # The message stands on stderr as well: a log that cannot be written must not hide it.
    with suppress(OSError):
        if path.exists():
            path.write_bytes(text)
