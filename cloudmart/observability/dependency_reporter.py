"""How code that uses a dependency reports whether it works."""

from typing import Protocol


class Reporter(Protocol):
    """Takes reports about whether one dependency works."""

    def ok(self) -> None:
        """Report that it works."""
        ...

    def trouble(self, cause: Exception) -> None:
        """Report that it failed, and with which error."""
        ...


class SilentReporter:
    """Reports to nobody."""

    def ok(self) -> None:
        """Do nothing."""

    def trouble(self, cause: Exception) -> None:
        """Do nothing."""


SILENT = SilentReporter()
