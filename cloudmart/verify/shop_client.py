"""Requests to a shop from outside, and answers that know which layer gave them."""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from uuid import uuid4

import httpx2

from cloudmart.verify.credentials import AdminCredentials
from cloudmart.verify.failed_layer import (
    Layer,
    layer_of_answer,
    layer_of_error,
    problem_code,
    problem_sentence,
    words_of_balancer,
)
from cloudmart.verify.step import StepFailedError, StepUnknownError

REQUEST_ID = "X-Request-ID"
MOST_BYTES = 64 * 1024 * 1024
"""Bytes of one answer that are read."""

_SHOWN = 160  # characters of an answer
_LOOKED_AT = 64 * 1024  # bytes of which these are taken
_REDIRECTS = range(300, 400)
_REFUSALS = range(400, 500)
_SLOW = 0.3
"""The part of the time for an answer after which it counts as slow."""
_JSON = ("application/json", "+json")


@dataclass(frozen=True, slots=True)
class ShopAnswer:
    """An answer to one request."""

    target: str
    request: str
    status: int
    headers: httpx2.Headers
    body: bytes
    shown: str
    """The beginning of the body, without any secret."""
    host: str = ""
    """The host of the request."""

    @property
    def of_pod(self) -> bool:
        """Return whether a pod gave it: nobody else sends a request's id back."""
        return self.headers.get(REQUEST_ID) == self.request

    @property
    def made_something(self) -> bool:
        """Return whether a pod says that something was made."""
        return self.of_pod and self.status == HTTPStatus.CREATED

    @property
    def is_refusal(self) -> bool:
        """Return whether nothing was made: a pod refused the request, or nobody led it to one."""
        if self.of_pod:
            return self.status in _REFUSALS
        led_nowhere = self.status in _REDIRECTS or self.status in _REFUSALS
        return led_nowhere and self.status != HTTPStatus.REQUEST_TIMEOUT

    @property
    def kind(self) -> str:
        """Return its media type."""
        return str(self.headers.get("Content-Type", "")).partition(";")[0].strip().lower()

    @property
    def code(self) -> str:
        """Return the code of the problem that it is, or nothing."""
        return problem_code(self.body)

    def wrong(self, sentence: str, layer: Layer | None = None) -> StepFailedError:
        """Return what to raise where it is not as it should be."""
        layer = layer or layer_of_answer(self.status, self.body, of_pod=self.of_pod)
        return StepFailedError(layer, f"{self.target} {sentence}", request=self.request)

    def expect(self, *statuses: int) -> "ShopAnswer":
        """Return it if it has one of some statuses, or raise StepFailedError."""
        if self.status in statuses:
            return self
        if self.of_pod and self.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise StepUnknownError(f"{self.target}: {problem_sentence(self.body) or 'too often'}")
        wanted = " or ".join(map(str, statuses))
        if leads := self.headers.get("Location", "") if self.status in _REDIRECTS else "":
            raise self.wrong(f"answered {self.status}: it leads to {leads}. {self._advice(leads)}")
        what = f"answered {self.status}" if self.of_pod else words_of_balancer(self.status)
        raise self.wrong(f"{what}; {wanted} was expected: {self.shown}")

    def expect_json(self, *statuses: int) -> Any:  # noqa: ANN401 - any JSON
        """Return its JSON, or raise StepFailedError where it is none."""
        self.expect(*statuses)
        if not self.kind.endswith(_JSON):
            where = "" if self.of_pod else ", and no pod did: the rule for /api leads elsewhere"
            raise self.wrong(f"answered {self.kind or 'no media type'}, not JSON{where}")
        try:
            return json.loads(self.body, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise self.wrong("answered what is no whole JSON") from error

    def _advice(self, leads: str) -> str:
        elsewhere = urlsplit(leads).netloc not in {"", self.host}
        if elsewhere:
            return "Verify that address."
        return "That is this same address: a rule for redirects is wrong."

    def expect_object(self, *statuses: int) -> Mapping[str, Any]:
        """Return its JSON object, or raise StepFailedError."""
        told = self.expect_json(*statuses)
        if isinstance(told, dict):
            return told
        raise self.wrong(f"answered no JSON object: {self.shown}")

    def expect_list(self) -> list[Any]:
        """Return its JSON array, or raise StepFailedError."""
        told = self.expect_json(200)
        if isinstance(told, list):
            return told
        raise self.wrong(f"answered no JSON array: {self.shown}")

    def expect_problem(self, status: int, *codes: str) -> Mapping[str, Any]:
        """Return a problem of ours with one of some codes, or raise StepFailedError."""
        told = self.expect_object(status)
        if self.code not in codes or not isinstance(told.get("error"), str):
            wanted = " or ".join(codes)
            raise self.wrong(f"answered another problem than {wanted}: {self.shown}")
        return told


@dataclass(frozen=True, slots=True)
class SlowAnswer:
    """An answer that came, and late."""

    target: str
    request: str
    seconds: float


@dataclass(slots=True)
class ShopClient:
    """Asks a shop at an address, each question within a time."""

    url: str
    within: float = 10.0
    credentials: AdminCredentials | None = None
    address: str | None = None
    """Who is asked in place of the URL's host, by its name: one that does not lead there yet."""
    run: str = field(default_factory=lambda: uuid4().hex[:10])
    answered: bool = False
    """Whether a pod has answered anything."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """The method and path of every request so far."""
    slow: list[SlowAnswer] = field(default_factory=list)
    """The answers of pods that came so late that customers wait for them."""
    _http: httpx2.Client | None = None

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        admin: bool = False,
    ) -> ShopAnswer:
        """Return the answer, or raise StepFailedError where none came in time."""
        self.asked.append((method, path.partition("?")[0]))
        request = f"verify-{self.run}-{len(self.asked)}"
        target = f"{method} {path}"
        sent = {REQUEST_ID: request, "Accept": "application/json", **(headers or {})}
        if admin and self.credentials:
            sent["Authorization"] = self.credentials.header
        began = time.monotonic()
        try:
            response, body = self._exchange(method, path, self.within, json=json, headers=sent)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
            layer, sentence = layer_of_error(error, answered=self.answered)
            if isinstance(error, httpx2.TransportError) and goes_by_proxy(self.url):
                sentence += " (asked through the proxy that the environment names)"
            raise StepFailedError(
                layer,
                f"{target}: {sentence}",
                request=request,
                timed_out=isinstance(error, httpx2.TimeoutException),
            ) from error
        shown = body[:_LOOKED_AT].decode(errors="replace")
        # Before it is cut: half a password is no better.
        shown = self.credentials.hidden_in(shown) if self.credentials else shown
        shown = " ".join(shown.split())[:_SHOWN]
        host = urlsplit(self.url).netloc
        answer = ShopAnswer(
            target, request, response.status_code, response.headers, body, shown, host
        )
        self.answered = self.answered or answer.of_pod
        took = time.monotonic() - began
        if took > self.within * _SLOW:
            self.slow.append(SlowAnswer(target, request, took))
        return answer

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Give the questions within more time than all others have."""
        usual, self.within = self.within, seconds
        try:
            yield
        finally:
            self.within = usual

    def get(self, path: str, *, admin: bool = False) -> ShopAnswer:
        """Return the answer to a GET."""
        return self.ask("GET", path, admin=admin)

    def close(self) -> None:
        """Close the connections."""
        if self._http:
            self._http.close()

    def _exchange(
        self,
        method: str,
        path: str,
        within: float,
        **sent: Any,  # noqa: ANN401 - httpx2's
    ) -> tuple[httpx2.Response, bytes]:
        until = time.monotonic() + within
        received = bytearray()
        target = httpx2.URL(f"{self.url}{path}")
        if self.address:
            sent["headers"] = {"Host": target.netloc.decode(), **sent["headers"]}
            sent["extensions"] = {"sni_hostname": target.host}
            target = target.copy_with(host=self.address)
        with self._client().stream(method, target, timeout=within, **sent) as response:
            for chunk in response.iter_bytes():
                received += chunk
                if len(received) > MOST_BYTES:
                    raise httpx2.DecodingError(f"it has more than {MOST_BYTES >> 20} MiB")
                if time.monotonic() > until:
                    # Each piece came in time, and together they would never end.
                    raise httpx2.ReadTimeout("")
        return response, bytes(received)

    def _client(self) -> httpx2.Client:
        if self._http is None:
            self._http = httpx2.Client(
                # The machine's own certificates, as curl takes them.
                verify=ssl.create_default_context(),
                follow_redirects=False,
                headers={"User-Agent": "cloudmart-verify"},
            )
        return self._http


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def goes_by_proxy(url: str) -> bool:
    """Return whether the environment names a proxy that is asked in place of an address."""
    parts, proxies = urlsplit(url), getproxies()
    named = parts.scheme in proxies or "all" in proxies
    return named and not proxy_bypass(parts.hostname or "")
