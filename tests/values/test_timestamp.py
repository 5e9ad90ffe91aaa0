"""Times: aware in code, stored and sent as JavaScript's `toISOString` writes them."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from cloudmart.values.timestamp import Timestamp, day_of, now, stamp

FORM = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")

moments = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(timezone),
)


class _Dated(BaseModel):
    at: Timestamp


@given(moments)
def test_every_time_is_written_in_the_one_form(moment: datetime) -> None:
    assert FORM.fullmatch(stamp(moment))


@given(moments, moments)
def test_written_times_sort_as_the_times_do(one: datetime, other: datetime) -> None:
    earlier, later = sorted([one, other])

    assert stamp(earlier) <= stamp(later)


@given(moments)
def test_a_time_is_read_as_it_was_written(moment: datetime) -> None:
    written = stamp(moment)

    assert _Dated.model_validate({"at": written}).model_dump() == {"at": written}


def test_now_is_in_utc_and_nothing_of_it_is_lost_when_it_is_written() -> None:
    moment = now()

    assert moment.tzinfo is UTC
    assert datetime.fromisoformat(stamp(moment)) == moment


@pytest.mark.parametrize(
    "stored",
    ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00", "2025-09-01T10:00:00", "", "soon"],
)
def test_a_time_that_has_no_written_form_is_unreadable(stored: str) -> None:
    with pytest.raises(ValidationError):
        _Dated.model_validate({"at": stored})


@given(st.datetimes(timezones=st.just(UTC)))
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
