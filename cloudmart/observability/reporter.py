"""How whoever uses something tells how it does, without knowing who listens."""

from typing import Protocol


class Reporter(Protocol):
    """Hears of one thing that is used: whether it does what it should."""

    def ok(self) -> None:
        """Hear that it did."""
        ...

    def trouble(self, cause: Exception) -> None:
        """Hear that it did not, and what it met."""
        ...


class SilentReporter:
    """Tells nobody."""

    def ok(self) -> None:
        """Do nothing."""

    def trouble(self, cause: Exception) -> None:
        """Do nothing."""


SILENT = SilentReporter()
