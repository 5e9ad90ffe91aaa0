"""How long a provider asks clients to wait, and why it cannot be reached."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cloudmart.ai.providers.refusals import connection_refusal, retry_after_seconds


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
    assert retry_after_seconds(header) == wait


def test_a_header_may_name_a_time() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=90)

    wait = retry_after_seconds(format_datetime(moment, usegmt=True))

    assert wait is not None
    assert 80 < wait <= 90


def test_a_header_may_count_milliseconds() -> None:
    assert retry_after_seconds("2500", per_second=1000) == 2.5


def test_the_log_has_the_first_cause_of_a_lost_connection() -> None:
    wrapped, wrapping = ConnectionRefusedError(), RuntimeError()
    wrapping.__cause__ = wrapped

    assert connection_refusal("OpenAI", wrapping).said.code == "ConnectionRefusedError"


def test_causes_that_go_round_in_a_circle_come_to_an_end() -> None:
    one, other = OSError(), RuntimeError()
    one.__cause__, other.__cause__ = other, one

    assert connection_refusal("OpenAI", one).said.code in {"OSError", "RuntimeError"}
