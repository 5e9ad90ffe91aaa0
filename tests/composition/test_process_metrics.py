"""The metrics of the process: the lag of its event loop, its memory, its credentials."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from cloudmart.composition.background import show_memory_limit, watch_event_loop
from cloudmart.health.identity import Identity


def _sample(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(f"cloudmart_{name}", labels)
    return math.nan if value is None else value


async def test_the_lag_is_the_delay_of_a_task_that_sleeps() -> None:
    slept = asyncio.Event()

    async def late(seconds: float) -> None:
        if slept.is_set():
            await asyncio.Event().wait()
        await asyncio.sleep(seconds + 0.3)
        slept.set()

    before = _sample("event_loop_lag_seconds_sum"), _sample("event_loop_lag_seconds_count")
    watching = asyncio.create_task(watch_event_loop(late, every=0.01))
    await slept.wait()
    await asyncio.sleep(0)
    watching.cancel()

    assert _sample("event_loop_lag_seconds_count") - before[1] == 1
    assert _sample("event_loop_lag_seconds_sum") - before[0] >= 0.29


@pytest.mark.parametrize(
    ("name", "text", "limit"),
    [
        ("memory.max", "536870912\n", 536870912),
        ("memory/memory.limit_in_bytes", "536870912\n", 536870912),
        ("memory.max", "max\n", math.nan),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", math.nan),
        ("another", "", math.nan),
    ],
)
def test_the_limit_is_the_containers(tmp_path: Path, name: str, text: str, limit: float) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, "ascii")

    show_memory_limit(tmp_path)

    assert _sample("memory_limit_bytes") == pytest.approx(limit, nan_ok=True)


class _Session:
    """Returns credentials."""

    def __init__(self, credentials: Any) -> None:  # noqa: ANN401 - the SDK's, of several kinds
        self._credentials = credentials

    async def get_credentials(self) -> Any:  # noqa: ANN401
        return self._credentials


class _Keys:
    """Credentials that do not expire."""

    access_key = secret_key = token = "test"  # noqa: S105 - not a secret

    async def get_frozen_credentials(self) -> "_Keys":
        return self


class _Temporary(_Keys):
    """Credentials that expire, in botocore's form."""

    def __init__(self, ends: datetime) -> None:
        self._expiry_time = ends


async def test_the_metric_says_when_credentials_expire() -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)

    await Identity(_Session(_Temporary(ends)), {}).obtain()
    assert _sample("credentials_expiry_timestamp_seconds") == pytest.approx(ends.timestamp())

    await Identity(_Session(_Keys()), {}).obtain()
    assert math.isnan(_sample("credentials_expiry_timestamp_seconds"))
