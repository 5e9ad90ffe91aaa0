"""Translates the errors of Google's client and BigQuery's faults of rows, without their values."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError, RetryError
from google.auth.exceptions import GoogleAuthError
from requests.exceptions import RequestException

from cloudmart.errors import UnavailableError
from cloudmart.pipeline.ports import RowFault

# The one reason that is about what the row holds. Whatever else is said, or will be said one day,
# may pass; what never does ends with the stream's records that are too old.
_FOR_GOOD = "invalid"

# No answer, a refusal, no credentials to ask with, or an answer that is not BigQuery's: in a
# page that something on the way sent instead, Google's client trips over what it does not find.
_NO_ANSWER = (
    *(GoogleAPIError, GoogleAuthError, RequestException, ConnectionError),
    *(AttributeError, KeyError, TypeError, ValueError),
)


@contextmanager
def translate_google_errors() -> Iterator[None]:
    """Raise UnavailableError for whatever Google's client raises when it got no good answer."""
    try:
        yield
    except _NO_ANSWER as error:
        raise UnavailableError(f"BigQuery failed: {_reason(error)}.") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, RetryError) and error.cause is not None:
        return _reason(error.cause)
    if isinstance(error, GoogleAPICallError) and error.errors:
        return str(error.errors[0].get("reason", type(error).__name__))
    return type(error).__name__


def row_faults(ids: Sequence[str], told: Sequence[Mapping[str, Any]]) -> dict[str, RowFault]:
    """Return what was wrong with which row, in the rows' order, given BigQuery's `insertErrors`.

    BigQuery lists the rows at fault first, then those that stopped with them, each in any order.
    A request of ours is all or nothing: where one row is refused, none went in.
    """
    if not told:
        return {}
    faults = {int(each.get("index") or 0): _row_fault(each) for each in told}
    stopped = RowFault(passing=True, reason="stopped")
    return {event: faults.get(place, stopped) for place, event in enumerate(ids)}


def _row_fault(told: Mapping[str, Any]) -> RowFault:
    errors = told.get("errors") or [{}]
    worst = next((each for each in errors if each.get("reason") == _FOR_GOOD), errors[0])
    message = worst.get("message") or ""
    # All rows have the same columns: which of them the table has is no row's fault, and for some
    # minutes after a change BigQuery goes by the table as it was.
    about_the_table = "no such field" in message.lower()
    return RowFault(
        passing=worst.get("reason") != _FOR_GOOD or about_the_table,
        reason=worst.get("reason") or "unknown",
        column=worst.get("location") or "",
        message=message,
    )
