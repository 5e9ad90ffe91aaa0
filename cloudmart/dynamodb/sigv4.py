"""Signature Version 4, which proves to AWS who asks (AWS: "Create a signed AWS API request")."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from hmac import digest as hmac

_ALGORITHM = "AWS4-HMAC-SHA256"

_MOST_SKEW = timedelta(minutes=4)
# AWS refuses signatures five minutes off.

_LAST_YEAR = 2200  # a date after it is nonsense, and the end of Python's calendar is far away


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An access key, and what a signature is good for: one region and one service."""

    access_key: str
    secret_key: str
    region: str
    service: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class UnsignedRequest:
    """A request as it is sent.

    `headers` are all that are to be signed, `host` among them, with names in lower case. `path` is
    as it is encoded in the canonical request, and the parameters of `query` are sorted and encoded.
    """

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    path: str = "/"
    query: str = ""


def signed_headers(key: SigningKey, asked: UnsignedRequest, now: datetime) -> dict[str, str]:
    """Return the headers that sign a request: its time, its session token, its authorization.

    `now` is the time by AWS's clock, in UTC.
    """
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    day = stamp[:8]
    added = {"x-amz-date": stamp}
    if key.token:
        added["x-amz-security-token"] = key.token
    signed = sorted({**asked.headers, **added}.items())
    names = ";".join(name for name, _ in signed)
    lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in signed)
    target = f"{asked.method}\n{asked.path}\n{asked.query}"
    request = f"{target}\n{lines}\n{names}\n{sha256(asked.body).hexdigest()}"
    scope = f"{day}/{key.region}/{key.service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    secret = _key_of_day(key.secret_key, day, key.region, key.service)
    signature = hmac(secret, to_sign.encode(), "sha256").hex()
    added["authorization"] = (
        f"{_ALGORITHM} Credential={key.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return added


# It is the same for a day, and takes four of the five hashes of a signature.
@lru_cache(maxsize=8)
def _key_of_day(secret_key: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac(key, part.encode(), "sha256")
    return key


class AwsClock:
    """Tells the time by AWS's clock, as far as its refusals have told of a difference to ours."""

    def __init__(self, corrected: Callable[[timedelta], None]) -> None:
        """Take a function that gets AWS's lead over our clock, each time that this changes."""
        self._corrected = corrected
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC) + self._ahead

    def notice(self, signed: datetime, date: str | None) -> bool:
        """Learn from the `Date` of a refusal; tell whether the signature's time was wrong.

        A clock of ours that is set right while requests are under way is noticed as well, by each
        of them.
        """
        theirs = _moment(date)
        if theirs is None or abs(theirs - signed) <= _MOST_SKEW:
            return False
        off = theirs - datetime.now(UTC)
        if abs(off - self._ahead) > _MOST_SKEW:
            self._ahead = off if abs(off) > _MOST_SKEW else timedelta()
            self._corrected(self._ahead)
        return True


def _moment(date: str | None) -> datetime | None:
    """Return the moment of a `Date` header, or None where it names none."""
    try:
        moment = parsedate_to_datetime(date or "")
        # A date of HTTP is in GMT, also where it does not say so.
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year <= _LAST_YEAR else None
