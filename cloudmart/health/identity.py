"""The identity that the process has at AWS: its credentials, and whether they are its role's."""

import asyncio
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aioboto3
import structlog
from botocore.exceptions import NoCredentialsError

from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.aws_environment import CREDENTIALS_SLOW, PROGRAM_WRONG
from cloudmart.health.causes.credentials import EXPIRING, ROLE_OF_NODE, ROLE_WRONG
from cloudmart.health.classify import FAILURES, FAILURES_OF_CREDENTIALS
from cloudmart.health.dependency_error import dependency_error_of, facts_of_pod
from cloudmart.observability.metrics import CREDENTIALS_EXPIRY, IDENTITY_MISMATCH

_log = structlog.stdlib.get_logger(__name__)

_LAST_SECONDS = 60
_OVERDUE = 10 * 60
"""Seconds before their end when credentials should have been renewed for minutes."""
_WITHIN = 9.0
"""Seconds for which credentials are waited for: less than a check may take."""
_OF_MACHINE = "iam-role"
"""botocore's name for credentials that the machine's metadata service gave."""

_ROLE = re.compile(r"arn:([\w-]+):iam::(\d+):role/(?:.*/)?([^/]+)")
_SESSION = re.compile(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.*")


class Identity:
    """The credentials of the process's one session, and the role they belong to."""

    def __init__(
        self, session: aioboto3.Session, environ: Mapping[str, str], within: float = _WITHIN
    ) -> None:
        self._session = session
        self._environ = environ
        self._within = within
        self._credentials: Any = None
        self._seen: tuple[str, str] | None = None
        CREDENTIALS_EXPIRY.set(math.nan)

    async def obtain(self) -> None:
        """Get credentials, or renew them if they are about to expire.

        Raises:
            DependencyError: there are none; it is serious if there are none left either.
        """
        try:
            async with asyncio.timeout(self._within):
                frozen = await self._get()
        except TimeoutError as error:
            facts = self._facts() | {"seconds": f"{self._within:g}"}
            raise DependencyError(CREDENTIALS_SLOW, facts, serious=self.exhausted()) from error
        except FAILURES_OF_CREDENTIALS as error:
            raise dependency_error_of(
                error, self._environ, credentials=True, serious=self.exhausted()
            ) from error
        if not all(isinstance(each, str) for each in (frozen.access_key, frozen.secret_key)):
            # The SDK takes whatever a program prints, and fails when it signs.
            raise DependencyError(PROGRAM_WRONG, self._facts(), answer="Its keys are not text.")
        if self._expires_within(_OVERDUE):
            # The SDK keeps to itself why it could not renew what it can still use.
            raise DependencyError(EXPIRING, self._facts(), serious=False)

    async def _get(self) -> Any:  # noqa: ANN401 - botocore's
        self._credentials = await self._session.get_credentials()
        if self._credentials is None:
            raise NoCredentialsError
        _keep_to_the_end(self._credentials)
        try:
            return await self._credentials.get_frozen_credentials()
        finally:
            CREDENTIALS_EXPIRY.set(_expiry(self._credentials))

    async def witness(self) -> None:
        """Ask AWS for the identity of this process, once for each renewal of the credentials.

        Raises:
            DependencyError: it is the wrong identity, or AWS does not say.
        """
        expected = self._environ.get("AWS_ROLE_ARN")
        of_machine = self._of_machine()
        if not expected and not of_machine:
            return
        seen = await self._caller()
        right = bool(expected) and same_role(str(expected), seen)
        IDENTITY_MISMATCH.set(not right)
        if not right:
            cause = ROLE_OF_NODE if of_machine else ROLE_WRONG
            answer = f"AWS sees {seen}, where {expected or 'a role of its own'} was expected."
            raise DependencyError(cause, self._facts(), answer=answer, serious=False)

    def exhausted(self) -> bool:
        """Return whether there are no credentials, or none that have not expired."""
        held = self._credentials
        return not getattr(held, "_frozen_credentials", held) or self._expires_within(0)

    def _expires_within(self, seconds: float) -> bool:
        held = self._credentials
        return hasattr(held, "refresh_needed") and bool(held.refresh_needed(seconds))

    def _facts(self) -> dict[str, str]:
        return facts_of_pod(self._environ)

    def _of_machine(self) -> bool:
        # Outside Kubernetes this is the normal way for a process on a machine to get credentials.
        in_cluster = "KUBERNETES_SERVICE_HOST" in self._environ
        return in_cluster and getattr(self._credentials, "method", "") == _OF_MACHINE

    async def _caller(self) -> str:
        try:
            frozen = await self._credentials.get_frozen_credentials()
            if self._seen is None or self._seen[0] != frozen.access_key:
                async with self._session.client("sts") as sts:
                    arn = (await sts.get_caller_identity())["Arn"]
                self._seen = (frozen.access_key, arn)
                _log.info("identity_seen", role=arn)
        except FAILURES as error:
            raise dependency_error_of(error, self._environ, serious=False) from error
        return self._seen[1]


def _expiry(credentials: Any) -> float:  # noqa: ANN401 - the SDK's, of several kinds
    """Return when credentials expire; not a number where they do not."""
    ends = getattr(credentials, "_expiry_time", None)
    return ends.timestamp() if isinstance(ends, datetime) else math.nan


def _keep_to_the_end(credentials: Any) -> None:  # noqa: ANN401 - the SDK's, of several kinds
    """Let credentials be used almost until they expire, though they cannot be renewed.

    By itself the SDK fails every call of the last ten minutes in which STS does not answer.
    """
    if hasattr(credentials, "_mandatory_refresh_timeout"):
        credentials._mandatory_refresh_timeout = _LAST_SECONDS  # noqa: SLF001 - no public way


def same_role(role: str, caller: str) -> bool:
    """Return whether a caller's ARN, as STS gives it, is a session of a role.

    The caller's has no path, whatever the role's is.
    """
    wanted, seen = _ROLE.fullmatch(role), _SESSION.fullmatch(caller)
    return wanted is not None and seen is not None and wanted.groups() == seen.groups()
