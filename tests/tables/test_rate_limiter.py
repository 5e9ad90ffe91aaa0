"""The rate limit of a backfill's writes."""

import pytest

from cloudmart.tables.backfill import RateLimiter


def test_permits_come_evenly_and_unused_ones_expire() -> None:
    pace = RateLimiter(10)

    waits = [pace.reserve(now) for now in (5.0, 5.0, 5.0, 9.0, 9.0)]

    assert waits == pytest.approx([0, 0.1, 0.2, 0, 0.1])
