"""A session with AWS for a command: its credentials are there before anything is asked."""

import asyncio
from collections.abc import Callable, Mapping

import aioboto3
import structlog

from cloudmart.dynamodb.session import new_session
from cloudmart.health.aws_environment import open_session
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.credentials import NONE
from cloudmart.health.identity import Identity

_log = structlog.stdlib.get_logger(__name__)

_WITHIN = 60.0
"""Seconds for credentials: a profile's program may wait for a person who signs in."""
_SILENT = 5.0
"""Seconds after which a person is told what is waited for."""


async def open_for_command(
    region: str | None,
    environ: Mapping[str, str],
    make: Callable[[str | None], aioboto3.Session] = new_session,
    *,
    within: float = _WITHIN,
) -> aioboto3.Session:
    """Return a session whose credentials were got.

    Where there are none at all, the first call tells: a command may have other things to show.

    Raises:
        DependencyError: what the environment or a profile says cannot be used.
    """
    session = open_session(region, environ, make)
    waiting = asyncio.get_running_loop().call_later(_SILENT, _tell_waiting)
    try:
        await Identity(session, environ, within).obtain()
    except DependencyError as obstacle:
        if obstacle.serious and obstacle.cause is not NONE:
            raise
    finally:
        waiting.cancel()
    return session


def _tell_waiting() -> None:
    hint = "a profile's credential_process may wait for somebody to sign in"
    _log.warning("credentials_awaited", hint=hint, patience=_WITHIN)
