"""Where the process stands between its start and its end."""

from dataclasses import dataclass

_STARTING = "The service is starting."


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the process ends by itself, and the exit code that says so."""

    message: str
    code: int = 1


class Lifecycle:
    """Starting, started once and for all, ending: what probes and the server go by."""

    def __init__(self) -> None:
        self.started = False
        self.ending = False
        self.waiting = _STARTING
        """What the public is told while the start waits."""
        self.failure: Failure | None = None
        self.linger = 0.0
        """Seconds the server goes on accepting requests although it ends."""

    def start(self) -> None:
        """Latch that everything the service needs was there once."""
        self.started = True
        self.waiting = ""

    def end(self, *, linger: float = 0.0) -> None:
        """Be ready no more, and let the server finish what it has."""
        if not self.ending:
            self.ending = True
            self.linger = linger

    def end_now(self) -> None:
        """End without lingering, even where lingering has begun."""
        self.end()
        self.linger = 0.0

    def fail(self, message: str, code: int = 1) -> None:
        """End, because going on is no use."""
        self.failure = self.failure or Failure(message, code)
        self.end()
