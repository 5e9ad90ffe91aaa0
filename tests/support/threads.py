"""The worker threads of an event loop, counted and stopped."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """The worker threads of a loop, counted."""

    def __init__(self) -> None:
        super().__init__(8)
        self.used = self.most = self._running = 0
        self._gate = threading.Event()
        self._gate.set()

    def hold(self) -> None:
        """Keep all work that begins from ending."""
        self._gate.clear()

    def let_go(self) -> None:
        """Let all work end."""
        self._gate.set()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401
        """Count one more piece of work."""

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
