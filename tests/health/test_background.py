"""Work in the background: it is started again, and never ends the process."""

import pytest

from cloudmart.health.background import run_forever


class Work:
    """Work that fails some times, in different ways."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.done = 0

    async def run(self) -> None:
        """Do the work, or fail."""
        if self._errors:
            raise self._errors.pop(0)
        self.done += 1


@pytest.mark.parametrize("error", [KeyError("tokens"), RuntimeError(), ArithmeticError()])
async def test_failed_work_is_started_again_after_longer_and_longer_waits(error: Exception) -> None:
    work, slept = Work(*[error] * 9), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await run_forever(work.run, sleep=sleep)

    assert work.done == 1
    assert slept == [1, 2, 4, 8, 16, 32, 60, 60, 60]
