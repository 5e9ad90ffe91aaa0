"""The layers between a customer and the data, and which of them a failure comes from."""

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from enum import StrEnum
from http import HTTPStatus

import httpx2

_GATEWAY: Mapping[int, str] = {
    HTTPStatus.BAD_GATEWAY: "a pod did not answer it properly",
    HTTPStatus.SERVICE_UNAVAILABLE: "it has no pod that is ready",
    HTTPStatus.GATEWAY_TIMEOUT: "a pod did not answer it in time",
}
_OF_STORE = "unavailable"
_OF_PROVIDER = ("ai-failed", "ai-unavailable", "ai-timeout", "ai-misconfigured")
_OF_ISSUER = "Sign-in cannot be checked"


class Layer(StrEnum):
    """A part of the way from a customer to the data."""

    DNS = "DNS"
    TLS = "TLS"
    BALANCER = "balancer"
    """The load balancer, or whatever else answers at the address before a pod does."""
    POD = "pod"
    STORE = "store"
    PROVIDER = "provider"
    """Of AI, or the issuer of tokens."""


WHAT_TO_DO: Mapping[Layer, str] = {
    Layer.DNS: "Point the name at the load balancer: `kubectl get ingress "
    "cloudmart-production-ingress` shows its address. Or correct the address.",
    Layer.TLS: "Give the load balancer's listener a certificate for this name that is valid: "
    "`certificate` in operator.yaml, of ACM in this region.",
    Layer.BALANCER: "Look at the load balancer's rules and targets: `kubectl describe ingress "
    "cloudmart-production-ingress`, and `kubectl get pods -l app=cloudmart-backend`: is one ready?",
    Layer.POD: "Look for the request's id in the pods' logs: `kubectl logs -l "
    "app=cloudmart-backend --tail=-1 | grep {request}`.",
    Layer.STORE: "`cloudmart doctor --only dynamodb` says what is wrong with the tables.",
    Layer.PROVIDER: "`cloudmart doctor --phase post` says what is wrong with the provider.",
}
"""What to do first about a failure of each layer; `{request}` is the request's id."""


def problem_code(body: bytes) -> str:
    """Return the code of a problem of ours, or nothing for any other body."""
    kind = _member(body, "type")
    return kind.rpartition("/")[2] if kind.startswith("/api/problems/") else ""


def problem_sentence(body: bytes) -> str:
    """Return the sentence of a problem of ours, or nothing."""
    return _member(body, "error")


def layer_of_answer(status: int, body: bytes, *, of_pod: bool) -> Layer:
    """Return which layer gave an answer that is not as it should be."""
    if not of_pod:
        return Layer.BALANCER
    code = problem_code(body)
    if code in _OF_PROVIDER or problem_sentence(body).startswith(_OF_ISSUER):
        return Layer.PROVIDER
    if status == HTTPStatus.SERVICE_UNAVAILABLE and code == _OF_STORE:
        return Layer.STORE
    return Layer.POD


def words_of_balancer(status: int) -> str:
    """Return what a status means that no pod has answered."""
    if reason := _GATEWAY.get(status):
        return f"answered {status}, and the load balancer did: {reason}"
    return f"answered {status}, and no pod did"


def layer_of_error(error: Exception, *, answered: bool) -> tuple[Layer, str]:
    """Return which layer kept an answer from coming, and how; `answered`: a pod did before."""
    causes = list(_causes(error))
    if any(isinstance(each, socket.gaierror) for each in causes):
        return Layer.DNS, "its name is not known"
    for each in causes:
        if isinstance(each, ssl.SSLError):
            told = getattr(each, "verify_message", "") or each.reason or str(each)
            return Layer.TLS, f"TLS fails: {told}"
    beyond = Layer.POD if answered else Layer.BALANCER
    match error:
        case httpx2.ConnectTimeout():
            return Layer.BALANCER, "no connection was made in time"
        case httpx2.ConnectError():
            return Layer.BALANCER, f"no connection was made: {_short(causes)}"
        case httpx2.TimeoutException():
            return beyond, "no whole answer came in time"
        case _:
            how = "cannot be read" if isinstance(error, httpx2.DecodingError) else "was cut off"
            return beyond, f"the answer {how}: {error or type(error).__name__}"


def _short(causes: list[BaseException]) -> str:
    for each in causes:
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
    return str(causes[0]) or type(causes[0]).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from error.exceptions
        error = error.__cause__ or error.__context__


def _member(body: bytes, name: str) -> str:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, str) else ""
