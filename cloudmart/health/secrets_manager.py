"""Reads the secret in AWS Secrets Manager that holds settings, and its version."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aioboto3

from cloudmart.health.classify import FAILURES_OF_CREDENTIALS, SECRETS_MANAGER
from cloudmart.health.dependency_error import dependency_error_of


@dataclass(frozen=True, slots=True)
class Secret:
    """What a secret held, and which of its versions that was."""

    text: str
    version: str


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """The version of the secret that settings came from, and how to learn of a newer one."""

    current: str
    newest: Callable[[], Awaitable[str]]


def text_of(answer: Mapping[str, Any]) -> str:
    """Return what a secret holds, as text or as bytes; bytes that are no text are not JSON."""
    binary: bytes = answer.get("SecretBinary", b"")
    text: str = answer.get("SecretString") or binary.decode(errors="replace")
    return text


class SecretStore:
    """Reads one secret."""

    def __init__(
        self, session: aioboto3.Session, secret_id: str, environ: Mapping[str, str]
    ) -> None:
        self._session = session
        self._id = secret_id
        self._environ = environ

    async def read(self) -> Secret:
        """Return the secret as it is now, or raise DependencyError."""
        try:
            async with self._session.client("secretsmanager") as client:
                answer = await client.get_secret_value(SecretId=self._id)
        except FAILURES_OF_CREDENTIALS as error:
            raise dependency_error_of(
                error, self._environ, SECRETS_MANAGER, secret=self._id
            ) from error
        return Secret(text_of(answer), answer["VersionId"])

    async def newest(self) -> str:
        """Return the version the secret has now, or raise DependencyError."""
        return (await self.read()).version
