"""A reporter that remembers what it was told."""

import asyncio


class RecordingReporter:
    """Remembers of each report whether all is well, and waits for one that says so."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self.well = asyncio.Event()

    def ok(self) -> None:
        """Remember that all is well."""
        self.told.append(True)
        self.well.set()

    def trouble(self, cause: Exception) -> None:
        """Remember that something is not."""
        assert isinstance(cause, Exception)
        self.told.append(False)
