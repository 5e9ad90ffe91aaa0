"""The last word of a process: what `kubectl describe pod` shows of why it ended."""

from pathlib import Path

TERMINATION_LOG = Path("/dev/termination-log")
MOST_BYTES = 4096
"""What Kubernetes keeps of it."""


def write_last_words(message: str, path: Path = TERMINATION_LOG) -> None:
    """Write why the process ends, where Kubernetes reads it; elsewhere there is no such file."""
    if not path.exists():
        return
    text = message.encode()
    if len(text) > MOST_BYTES:
        text = text[: MOST_BYTES - 4].decode(errors="ignore").encode() + b"\n..."
    path.write_bytes(text)
