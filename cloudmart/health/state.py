"""What is known of every dependency: the last check of each, written down as it happens."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.metadata import version

import structlog

from cloudmart.health.causes import Cause, DependencyError
from cloudmart.health.causes.process import UNCHECKED
from cloudmart.observability.metrics import DEPENDENCY_UP
from cloudmart.values.timestamp import now, stamp

_log = structlog.stdlib.get_logger(__name__)

_STARTING = "The service is starting."

_SOONER = 4 / 7
"""A check reports a slow store before a call gives up: after this share of the call's time."""

LAPSE = timedelta(minutes=15)
"""How long health shows the result of a use: the next use may be hours away."""

UNUSED = "Configured, not used yet."
_UNUSED_LATELY = "Configured, not used in the last 15 minutes."


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the process ends by itself, and the exit code that says so."""

    message: str
    code: int = 1


class Lifecycle:
    """The state of the process for probes and the server: starting, started, ending."""

    def __init__(self) -> None:
        self.started = False
        self.ending = False
        self.waiting = _STARTING
        """What the public sees while the start waits."""
        self.failure: Failure | None = None
        self.linger = 0.0
        """Seconds for which a stopping server still accepts requests."""

    def state(self) -> tuple[object, ...]:
        """Return a value that changes whenever the answer to a probe may change."""
        return self.started, self.ending, self.waiting, self.failure

    def start(self) -> None:
        """Record for good that everything the service needs was there once."""
        self.started = True
        self.waiting = ""

    def end(self, *, linger: float = 0.0) -> None:
        """Become unready, and let the server finish its requests."""
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


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds between this and that, and the clocks that count them."""

    sample_every: tuple[float, float] = (5, 15)
    """Between two checks of a dependency, at random so that pods do not ask in step."""
    probe_within: float = 2
    """That a check may take."""
    attempt_within: float = 10
    """That one attempt may take while the start waits."""
    longest_wait: float = 8
    """Between two attempts of a start that waits."""
    restart_within: float = 300
    """Over which the pods of a deployment spread their restarts for new configuration."""
    linger: float = 20
    """How long an unready pod that stops by itself still serves, until no more requests come."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = now

    def allowing(self, call: float) -> "Timing":
        """Return the times of a process whose calls of DynamoDB may take so many seconds."""
        return replace(self, probe_within=max(self.probe_within, call * _SOONER))


class Status(StrEnum):
    """How a dependency, or the whole, does (draft-inadarei-api-health-check-06)."""

    PASS = "pass"  # noqa: S105 - the draft's word
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something the service needs: under which name it is shown, and what fails without it.

    A serious failure of what is `local` to this pod unreadies it; an outage that all pods share
    does not: to make every pod unready would turn a partial outage into a total one.
    """

    name: str
    measures: str = "responseTime"
    kind: str = "component"
    affects: tuple[str, ...] = ()
    """The ids of operations that fail without it, or a router's tag for all of that router."""
    local: bool = False
    words: str = ""
    lapses: bool = False
    """Whether it is known by its use alone, so that the last result is soon out of date."""

    @property
    def title(self) -> str:
        """Return what a person calls it."""
        return self.words or self.name.capitalize()

    @property
    def key(self) -> str:
        """Return the name under which the draft wants it."""
        return f"{self.name}:{self.measures}"


@dataclass(frozen=True, slots=True)
class DependencyReading:
    """What the last check of a dependency found. Without a time, it holds for good."""

    status: Status
    output: str = ""
    at: datetime | None = None
    milliseconds: float | None = None
    off: bool = False
    """Whether the service works without it."""


class Health:
    """The state of the process and of all it depends on."""

    def __init__(self, lifecycle: Lifecycle | None = None, rhythm: Timing | None = None) -> None:
        self.lifecycle = lifecycle or Lifecycle()
        self.rhythm = rhythm or Timing()
        self.release = version("cloudmart")
        self.rollout: str | None = None
        self.notes: list[str] = []
        """More facts for the reader."""
        self.paths: Mapping[str, str] = {}
        """Where the application serves each operation, by its id, and each router, by its tag."""
        self._readings: dict[Dependency, DependencyReading] = {}
        self._told: dict[Dependency, str] = {}
        self._enabled: dict[Dependency, DependencyReading] = {}
        self._changes = 0

    def state(self) -> tuple[object, ...]:
        """Return a value that changes whenever a probe's answer may change, apart from ages."""
        return (
            self._changes,
            self.lifecycle.state(),
            len(self.notes),
            self.rhythm,
            self.release,
            self.rollout,
        )

    def expect(self, dependency: Dependency) -> None:
        """Show a dependency before its first check."""
        if dependency not in self._readings:
            self._write(dependency, DependencyReading(Status.WARN, "Not checked yet."))

    def enable(self, dependency: Dependency, words: str = "") -> None:
        """Show a dependency that is used, but costs too much to be checked."""
        self._enabled[dependency] = DependencyReading(Status.PASS, words)
        self._write(dependency, self._enabled[dependency])

    def disable(self, dependency: Dependency, reason: str, *, alarming: bool = False) -> None:
        """Show a dependency the service does without, and why; alarming if that is a mistake."""
        status = Status.WARN if alarming else Status.PASS
        self._write(dependency, DependencyReading(status, f"Disabled: {reason}", off=True))

    def warn(self, dependency: Dependency, words: str) -> None:
        """Show what works as it is configured, but is configured wrongly."""
        self._write(dependency, DependencyReading(Status.WARN, words))

    def succeeded(self, dependency: Dependency, milliseconds: float | None = None) -> None:
        """Record that a dependency works."""
        self._note(
            dependency, DependencyReading(Status.PASS, "", self.rhythm.now(), milliseconds), None
        )

    def failed(self, dependency: Dependency, obstacle: DependencyError) -> None:
        """Record that a dependency failed, and why."""
        reading = DependencyReading(_status(obstacle), obstacle.sentence, self.rhythm.now())
        self._note(dependency, reading, obstacle)

    def remark(self, dependency: Dependency, obstacle: DependencyError | None) -> None:
        """Record what a request showed and no check found, until the next check or its expiry."""
        at = self.rhythm.now() if dependency.lapses else None
        words, status = (obstacle.sentence, _status(obstacle)) if obstacle else ("", Status.PASS)
        self._note(dependency, DependencyReading(status, words, at), obstacle)

    def forget(self) -> None:
        """Forget what uses showed too long ago: a series of the metrics ends with it."""
        for dependency in [each for each in self._readings if self._has_lapsed(each)]:
            del self._readings[dependency]
            self._changes += 1
            self._told.pop(dependency, None)
            with suppress(KeyError):
                DEPENDENCY_UP.remove(dependency.name)
            if enabled := self._enabled.get(dependency):
                words = _UNUSED_LATELY if enabled.output else ""
                self._write(dependency, DependencyReading(Status.PASS, words))

    def _has_lapsed(self, dependency: Dependency) -> bool:
        at = self._readings[dependency].at
        return dependency.lapses and at is not None and self.rhythm.now() - at > LAPSE

    def readings(self) -> Iterator[tuple[Dependency, DependencyReading]]:
        """Yield what is known, each reading as good as its age."""
        self.forget()
        oldest = self.rhythm.sample_every[1] * 2 + self.rhythm.probe_within
        for dependency, reading in self._readings.items():
            if (
                self.lifecycle.started
                and not dependency.lapses
                and reading.at
                and (self.rhythm.now() - reading.at).total_seconds() > oldest
            ):
                silent = DependencyError(UNCHECKED, {"since": stamp(reading.at)})
                yield dependency, DependencyReading(Status.WARN, silent.sentence, reading.at)
            else:
                yield dependency, reading

    def affected(self, dependency: Dependency) -> list[str]:
        """Return the paths of what fails without a dependency."""
        return [self.paths.get(each, each) for each in dependency.affects]

    def unready(self) -> str | None:
        """Return why this pod should get no requests, or None if it may."""
        if self.lifecycle.failure and not self.lifecycle.started:
            return "This pod has given up its start and is stopping."
        if self.lifecycle.ending:
            return "This pod is stopping."
        if not self.lifecycle.started:
            return self.lifecycle.waiting
        for dependency, reading in self._readings.items():
            if dependency.local and reading.status is Status.FAIL:
                return reading.output
        return None

    def _write(self, dependency: Dependency, reading: DependencyReading) -> None:
        before = self._readings.get(dependency)
        self._readings[dependency] = reading
        # A later time alone is an age: it shows with the next second's answer.
        if before is None or replace(before, at=reading.at) != reading:
            self._changes += 1

    def _note(
        self, dependency: Dependency, reading: DependencyReading, obstacle: DependencyError | None
    ) -> None:
        self._write(dependency, reading)
        DEPENDENCY_UP.labels(dependency.name).set(reading.status is Status.PASS)
        if self.lifecycle.started:
            # Before that, the start logs what it waits for.
            self._tell(dependency, reading.output, obstacle)

    def _tell(self, dependency: Dependency, said: str, obstacle: DependencyError | None) -> None:
        """Log what has changed since the last line."""
        before = self._told.get(dependency, "")
        self._told[dependency] = said
        if obstacle and said != before:
            _log.warning("dependency_failing", dependency=dependency.name, **obstacle.event())
        elif before and not obstacle:
            _log.info("dependency_recovered", dependency=dependency.name)


def _status(obstacle: DependencyError) -> Status:
    return Status.FAIL if obstacle.serious else Status.WARN


CREDENTIALS = Dependency(
    "credentials",
    "validity",
    "system",
    ("products", "orders", "tickets"),
    local=True,
    words="AWS credentials",
)
IDENTITY = Dependency("identity", "role", "system", words="AWS identity")
CONFIGURATION = Dependency("configuration", "freshness", "system")
CLOCK = Dependency("clock", "skew", "system")
CLIENTS = Dependency("clients", "addresses", "system", lapses=True)
RATE_LIMITS = Dependency("rate-limits", "storage")
ACCESS = Dependency("access", "authentication", "system", ("products", "orders", "tickets"))
ISSUER = Dependency(
    "issuer",
    "keys",
    affects=("products", "orders", "tickets"),
    words="the issuer of tokens",
    lapses=True,
)
PRODUCTS = Dependency("products", kind="datastore", affects=("products", "orders"))
CATALOGUE = Dependency(
    "catalogue", "freshness", affects=("products",), words="the catalogue", lapses=True
)
ORDERS = Dependency("orders", kind="datastore", affects=("orders",))
TICKETS = Dependency("tickets", kind="datastore", affects=("tickets",))

CONVERSATIONS = Dependency("conversations", kind="datastore", affects=("assistants",))
ORDER_TOOLS = Dependency("assistants", "order-tools", "system", ("assistants",))
OPENAI = Dependency(
    "openai",
    "availability",
    affects=("start_thread", "send_thread_message"),
    words="OpenAI",
    lapses=True,
)
BEDROCK = Dependency(
    "bedrock",
    "availability",
    affects=("start_conversation", "send_conversation_message"),
    words="Amazon Bedrock",
    lapses=True,
)
AZURE = Dependency("azure", "availability", words="Azure AI Language", lapses=True)


class HealthReporter:
    """Reports one dependency to health; `obstacle_of` returns the cause of an error."""

    def __init__(
        self,
        health: Health,
        dependency: Dependency,
        obstacle_of: Callable[[Exception], DependencyError],
    ) -> None:
        self._health = health
        self._dependency = dependency
        self._obstacle_of = obstacle_of

    def ok(self) -> None:
        """Show that it works."""
        self._health.remark(self._dependency, None)

    def trouble(self, cause: Exception) -> None:
        """Show that it failed, and why."""
        self._health.remark(self._dependency, self._obstacle_of(cause))


def always(cause: Cause) -> Callable[[Exception], DependencyError]:
    """Return what gives every error the same cause, for what the service can do without."""
    return lambda _: DependencyError(cause, serious=False)
