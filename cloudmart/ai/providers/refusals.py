"""A provider's failures as our own errors."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from cloudmart.errors import (
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UpstreamError,
)

UNREADABLE = "it cannot be read"
"""The reason for an answer that breaks its protocol."""

_LONGEST_WAIT = 3600.0
_DEEPEST = 10
_SITE_OVERLOADED = 529  # in wide use among providers of AI, in no RFC

_KEY = {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN}
_PLACE = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE}
_BUSY = {
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    _SITE_OVERLOADED,
}
_SLOW = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT}

LONGEST_SENTENCE = 300
_LONGEST_READ = 4000
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+=-]{0,127}")
_KEY_FORM = r"\b(AKIA|ASIA)[A-Z0-9]{8}|\bsk-\S{4}"
_LIKE_A_KEY = re.compile(_KEY_FORM)
_WITH_A_KEY = re.compile(
    rf"{_KEY_FORM}|\bBearer\s|\b(Credential|Signature)=|[A-Za-z0-9+/_=-]{{40}}"
)
_SHORTEST_QUOTE = 3
_QUOTE = 16
"""Characters that a sentence and a text have in common where one quotes the other."""

_FRAGMENT = 8
"""This many characters of a secret are too many to show."""


@dataclass(frozen=True, slots=True)
class ProviderErrorText:
    """A provider's own words about a failure. They may name keys and quote customers."""

    code: str = ""
    request_id: str | None = None
    sentence: str = ""

    @classmethod
    def of(
        cls, code: object, request_id: object = None, sentence: object = ""
    ) -> "ProviderErrorText":
        """Return what a provider said, as far as it is text."""
        return cls(
            code if isinstance(code, str) else "",
            request_id if isinstance(request_id, str) else None,
            sentence if isinstance(sentence, str) else "",
        )


@dataclass(frozen=True, slots=True)
class ProviderRefusal:
    """A failure in our words.

    `passing`: the same call may succeed in a moment, or after `wait` seconds where the provider
    said so. `lost`: the connection failed, not the provider. `untouched`: nothing can have been
    done with the request.
    """

    error: UpstreamError
    passing: bool = False
    wait: float | None = None
    lost: bool = False
    untouched: bool = False
    said: ProviderErrorText = ProviderErrorText()


@dataclass(frozen=True, slots=True)
class CallSettings:
    """The settings that may be wrong when a provider refuses us: our identity, our request."""

    key: str
    place: str


def refusal_of_status(
    provider: str,
    status: int,
    settings: CallSettings,
    *,
    wait: float | None = None,
    said: ProviderErrorText,
) -> ProviderRefusal:
    """Return what an HTTP status means."""
    if status in _KEY:
        return ProviderRefusal(ProviderMisconfiguredError(provider, settings.key), said=said)
    if status in _PLACE:
        return ProviderRefusal(ProviderMisconfiguredError(provider, settings.place), said=said)
    if status in _BUSY:
        untouched = status == HTTPStatus.TOO_MANY_REQUESTS
        return replace(throttled_refusal(provider, wait, said=said), untouched=untouched)
    if status in _SLOW:
        return ProviderRefusal(ProviderTimeoutError(provider), passing=True, wait=wait, said=said)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ProviderRefusal(provider_fault(provider), passing=True, wait=wait, said=said)
    return ProviderRefusal(ProviderFailedError(provider, "it refused the request"), said=said)


def throttled_refusal(
    provider: str, wait: float | None = None, *, said: ProviderErrorText = ProviderErrorText()
) -> ProviderRefusal:
    """Return the refusal of a provider that accepts no more requests for a while."""
    error = ProviderUnavailableError(provider)
    if wait is not None:
        error = ProviderUnavailableError(provider, retry_after=max(1, math.ceil(wait)))
    return ProviderRefusal(error, passing=True, wait=wait, said=said)


def connection_refusal(
    provider: str, error: BaseException, *, untouched: bool = False
) -> ProviderRefusal:
    """Return what it means that the connection failed; the log has the kind of its first cause.

    `untouched` is said of a connection that was never made.
    """
    # Bounded: a chain of causes may be a circle.
    for _ in range(_DEEPEST):
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None:
            break
        error = cause
    return ProviderRefusal(
        ProviderUnavailableError(provider, "cannot be reached"),
        passing=True,
        lost=True,
        untouched=untouched,
        said=ProviderErrorText(type(error).__name__),
    )


def provider_fault(provider: str) -> UpstreamError:
    """Return the error for a fault of the provider."""
    return ProviderFailedError(provider, "it reported a fault of its own")


def unreadable_answer(provider: str) -> UpstreamError:
    """Return the error for an answer that does not keep to its protocol."""
    return ProviderFailedError(provider, UNREADABLE)


def retry_after_seconds(header: str | None, *, per_second: int = 1) -> float | None:
    """Return the seconds a header such as `Retry-After` asks to wait, None if it does not say."""
    if not header:
        return None
    try:
        wait = float(header) / per_second
    except ValueError:
        try:
            wait = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return None if math.isnan(wait) else min(max(wait, 0.0), _LONGEST_WAIT)


class LogRedaction:
    """Keeps our secrets and customers' words out of the log."""

    def __init__(self, secrets: Sequence[str] = (), texts: Sequence[str] = ()) -> None:
        self._secrets = secrets
        self._texts = texts

    def code(self, code: str) -> str:
        """Return what looks like a code."""
        return code if self._fits(_CODE, code) else ""

    def request_id(self, request_id: str | None) -> str | None:
        """Return what looks like an id."""
        return request_id if request_id and self._fits(_ID, request_id) else None

    def sentence(self, sentence: str) -> str:
        """Return a sentence that quotes neither a key nor a customer."""
        sentence = " ".join(sentence[:_LONGEST_READ].split())
        if _WITH_A_KEY.search(sentence) or self._quoted(sentence):
            return ""
        return sentence[:LONGEST_SENTENCE]

    def _fits(self, form: re.Pattern[str], word: str) -> bool:
        fits = form.fullmatch(word) and not _LIKE_A_KEY.search(word)
        return bool(fits) and not self._quoted(word) and not self._taken(word)

    def _taken(self, word: str) -> bool:
        """Return whether a word as a whole is one of ours or of a customer's, however short."""
        told = word.casefold()
        return any(told in text.casefold() for text in (*self._secrets, *self._texts))

    def _quoted(self, sentence: str) -> bool:
        told = sentence.casefold()
        return any(_quotes(told, secret, _FRAGMENT) for secret in self._secrets) or any(
            _quotes(told, text, _QUOTE) for text in self._texts
        )


def _quotes(told: str, text: str, size: int) -> bool:
    known = " ".join(text.casefold().split())
    if len(known) <= size:
        return len(known) >= _SHORTEST_QUOTE and known in told
    windows = {told[start : start + size] for start in range(len(told) - size + 1)}
    return any(known[start : start + size] in windows for start in range(len(known) - size + 1))
