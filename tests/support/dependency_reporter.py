"""A reporter that remembers the reports."""

import asyncio


class RecordingReporter:
    """Remembers whether each report was good, and can wait for a good one."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self.well = asyncio.Event()

    def ok(self) -> None:
        """Remember a good report."""
        self.told.append(True)
        self.well.set()

    def trouble(self, cause: Exception) -> None:
        """Remember a bad report."""
        assert isinstance(cause, Exception)
        self.told.append(False)
