"""How code that uses a dependency reports whether it works."""

from typing import Protocol


class Reporter(Protocol):
    """Hears whether one dependency works."""

    def ok(self) -> None:
        """Hear that it works."""
        ...

    def trouble(self, cause: Exception) -> None:
        """Hear that it failed, and with which error."""
        ...


class SilentReporter:
    """Reports to nobody."""

    def ok(self) -> None:
        """Do nothing."""

    def trouble(self, cause: Exception) -> None:
        """Do nothing."""


SILENT = SilentReporter()
