"""The threads of an event loop, counted and held."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """The threads of a loop, counted."""

    def __init__(self) -> None:
        super().__init__(8)
        self.used = self.most = self._running = 0
        self._gate = threading.Event()
        self._gate.set()

    def hold(self) -> None:
        """Let nothing that begins come to its end."""
        self._gate.clear()

    def let_go(self) -> None:
        """Let all that has begun come to its end."""
        self._gate.set()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401
        """Count one more."""

        def counted() -> T:
            self._gate.wait(60)
            try:
                return fn(*args, **kwargs)
            finally:
                self._running -= 1

        self.used += 1
        self._running += 1
        self.most = max(self.most, self._running)
        return super().submit(counted)
