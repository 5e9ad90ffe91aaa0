"""The program that a profile of AWS's names for credentials (`credential_process`)."""

import asyncio
from contextlib import suppress
from typing import Any


class CredentialProgram:
    """A program that runs for as long as somebody waits for what it prints.

    The SDK leaves it running when its wait is cancelled or takes too long.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, *arguments: str, **pipes: Any) -> "CredentialProgram":  # noqa: ANN401
        """Start it, as `asyncio.create_subprocess_exec` does."""
        return cls(await asyncio.create_subprocess_exec(*arguments, **pipes))

    @property
    def returncode(self) -> int | None:
        """Return its exit code, None while it runs."""
        return self._process.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """Return what it printed to both outputs; end it if nobody waits for that any more."""
        try:
            return await self._process.communicate()
        finally:
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
                # A child of its own may hold the pipes open.
                self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
