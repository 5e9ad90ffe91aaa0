"""A line of the log for each request that somebody may ask about: never what a caller wrote."""

import random
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from starlette.types import Scope

from cloudmart.health.router import PROBE_PATHS
from cloudmart.observability.metrics import ORDERS_REFUSED

SLOW = 1.0
"""Seconds after which a request has a line, whatever it was."""

_NOT_LOGGED = PROBE_PATHS | {"/metrics"}
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_ORDERS = "/api/orders"

# Ours are 16 letters and digits, those of older releases 8 hex digits, those of the first
# catalogues numbers. Anything else may be an address or a key that a caller put there.
_OUR_ID = re.compile(r"[2-9a-hjkmnp-z]{16}|[0-9a-f]{8}|[0-9]{1,6}")
_IDS = ("order_id", "product_id", "ticket_id")

_log = structlog.stdlib.get_logger(__name__)


class RequestLog:
    """Writes lines for writes, refusals, faults and slow requests, and for a share of the reads."""

    def __init__(self, reads: float = 0.0) -> None:
        self._reads = reads

    def note(self, scope: Scope, method: str, route: str, status: int, seconds: float) -> None:
        """Write a line about a request that has ended, unless nobody will ask about it."""
        failed = status >= HTTPStatus.BAD_REQUEST
        if failed and scope["method"] == "POST" and scope["path"] == _ORDERS:
            _count_refused_order(scope)
        if failed or method not in _READS or seconds >= SLOW or self._is_sampled():
            self._write(scope, method, route, status, seconds)

    def _is_sampled(self) -> bool:
        return self._reads > 0 and random.random() < self._reads  # noqa: S311 - no secret

    @staticmethod
    def _write(scope: Scope, method: str, route: str, status: int, seconds: float) -> None:
        if route in _NOT_LOGGED:
            return
        server_fault = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        (_log.warning if server_fault or seconds >= SLOW else _log.info)(
            "request",
            method=method,
            route=route,
            # On a terminal, a member of HTTPStatus would be shown with its name.
            status=int(status),
            duration_ms=round(seconds * 1000, 1),
            **_problem(scope),
            **_ids(scope),
        )


def _count_refused_order(scope: Scope) -> None:
    # A client that went away was not refused.
    if problem := _problem(scope):
        ORDERS_REFUSED.labels(problem["problem"]).inc()


def _problem(scope: Scope) -> Mapping[str, str]:
    code = scope.get("state", {}).get("problem")
    return {"problem": code} if code else {}


def _ids(scope: Scope) -> dict[str, Any]:
    given = scope.get("path_params") or {}
    return {
        name: given[name] for name in _IDS if name in given and _OUR_ID.fullmatch(str(given[name]))
    }
