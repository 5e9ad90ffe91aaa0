"""Runs queries of the warehouse in threads: its client blocks, and is opened when needed."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TypeVar

from cloudmart.errors import UnavailableError
from cloudmart.pipeline.ports import Warehouse
from cloudmart.pipeline.unknown import UnknownError

R = TypeVar("R")

Job = Callable[[], None]

T = TypeVar("T")
# As many as are asked for one status; who comes after waits for its turn, and that in time.
_THREADS = 4
_PERMISSION = re.compile(r"\bbigquery\.\w+\.\w+\b")
_NO_CREDENTIALS = "There are no credentials that Google accepts."
_WORDS = {
    401: _NO_CREDENTIALS,
    404: "BigQuery has no such table as BIGQUERY_DATASET_ID and BIGQUERY_TABLE_ID name.",
    429: "BigQuery accepts no more requests at the moment.",
}


class DaemonThreads:
    """Makes calls in a few threads, which are started when they are needed.

    Those of a ThreadPoolExecutor are waited for when Python ends, however long they take.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._starting = Lock()
        self._started = 0
        self._idle = 0

    async def run(self, call: Callable[[], R]) -> R:
        """Return what a call returns, or raise what it raises; a call waits for a free thread."""
        future: Future[R] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - it is for the caller that waits
                future.set_exception(error)

        with self._starting:
            self._jobs.put(job)
            if not self._idle and self._started < self._most:
                self._started += 1
                Thread(target=self._work, name=self._name, daemon=True).start()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Begin no more calls; the ones under way end by themselves, or with the process."""
        while True:
            try:
                self._jobs.get_nowait()
            except Empty:
                break
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        while True:
            with self._starting:
                self._idle += 1
            job = self._jobs.get()
            with self._starting:
                self._idle -= 1
            if job is None:
                return
            job()


OpenWarehouse = Callable[[], AbstractContextManager[Warehouse]]


class Questions:
    """Opens the warehouse for the first question, and asks without blocking the service."""

    def __init__(self, open_warehouse: OpenWarehouse) -> None:
        self._open_warehouse = open_warehouse
        self._threads = DaemonThreads(_THREADS, "warehouse")
        self._stack = ExitStack()
        self._warehouse: Warehouse | None = None
        self._opening = Lock()

    async def ask(self, question: Callable[[Warehouse], T]) -> T:
        """Return what the warehouse answers.

        Raises:
            UnavailableError: it is away, or does not let us in.
            UnknownError: it cannot be opened, or holds what cannot be read.
        """
        try:
            return await self._threads.run(lambda: question(self._opened()))
        except ValueError as error:
            raise UnknownError("BigQuery holds a row that is none of the pipeline's.") from error

    async def learn(self, question: Callable[[Warehouse], T]) -> T:
        """Return what the warehouse answers, or raise UnknownError."""
        try:
            return await self.ask(question)
        except UnavailableError as error:
            raise UnknownError(why_of_warehouse(error)) from error

    def close(self) -> None:
        """Close the warehouse, without waiting for what is still being asked."""
        self._threads.close()
        self._stack.close()

    def _opened(self) -> Warehouse:
        # Its libraries are imported here: a process without a warehouse never waits for them.
        with self._opening:
            if self._warehouse is None:
                try:
                    self._warehouse = self._stack.enter_context(self._open_warehouse())
                except ValueError as error:
                    # Its path is an operator's business.
                    sentence = "GOOGLE_APPLICATION_CREDENTIALS names no file that can be used."
                    raise UnknownError(sentence) from error
            return self._warehouse


def why_of_warehouse(error: UnavailableError) -> str:
    """Return what a failure of the warehouse says, the missing permission by its name."""
    # Where it was tried for some time, the last failure is inside.
    cause = error.__cause__
    while inner := getattr(cause, "cause", None):
        cause = inner
    code = getattr(cause, "code", None)
    if code == 403:  # noqa: PLR2004 - HTTP's
        return _forbidden(str(cause), str(error))
    if isinstance(code, int) and code in _WORDS:
        return _WORDS[code]
    if type(cause).__module__.startswith("google.auth"):
        return _NO_CREDENTIALS
    return "BigQuery does not answer." if isinstance(cause, OSError) else str(error)


def _forbidden(said: str, otherwise: str) -> str:
    # Quota is refused with the same status, and the reason is in our own sentence.
    if found := _PERMISSION.search(said):
        return f"The service's account at Google lacks the permission {found[0]}."
    return otherwise
