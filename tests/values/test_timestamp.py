"""Times of the one form in which they are stored."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis.strategies import datetimes, just

from cloudmart.values.timestamp import day_of, stamp


@given(datetimes(timezones=just(UTC)))
def test_the_day_of_a_stored_time_is_its_utc_day(moment: datetime) -> None:
    assert day_of(stamp(moment)) == moment.strftime("%Y-%m-%d").zfill(10)


@pytest.mark.parametrize(
    "other",
    [
        "2025-09-01",
        "2025-09-01T10:00:00Z",
        "2025-09-01T10:00:00.000",
        "2025-09-01T10:00:00.000+00:00",
        "2025-09-01T10:00:00.000000Z",
        "2025-09-01 10:00:00.000Z",
        "2025-09-31T10:00:00.000Z",
        "9999-12-31T23:59:59.999-10:00",
        " 2025-09-01T10:00:00.000Z",
        1693562400000,
        None,
    ],
)
def test_what_only_resembles_a_stored_time_has_no_day(other: object) -> None:
    assert day_of(other) is None
