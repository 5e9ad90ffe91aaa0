"""How long a provider asks to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cloudmart.ai.providers.refusals import seconds


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("-1", 0),
        ("1e400", 3600),
        ("86400", 3600),
        ("Mon, 23 Nov 2020 08:00:00 GMT", 0),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_header_asks_for_a_bounded_wait(header: str | None, wait: float | None) -> None:
    assert seconds(header) == wait


def test_a_header_may_name_a_time() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=90)

    wait = seconds(format_datetime(moment, usegmt=True))

    assert wait is not None
    assert 80 < wait <= 90


def test_a_header_may_count_milliseconds() -> None:
    assert seconds("2500", per_second=1000) == 2.5
