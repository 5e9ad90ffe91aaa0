"""Whether the cluster's configuration is newer than the one this process was started with."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import SecretStr

from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.process import STALE
from cloudmart.health.secrets_manager import SecretVersion
from cloudmart.health.state import Timing
from cloudmart.observability.metrics import CONFIGURATION_STALE
from cloudmart.settings import Settings
from cloudmart.settings.report import secret_digest
from cloudmart.settings.variables import Variable, variables

_LARGEST_FILE = 1024 * 1024
_MOST_FILES = 1000
_ASK_SECRET_EVERY = 60.0
"""Seconds between two readings of the secret: each is paid for."""

Copies = Mapping[Path, bytes]
"""The digest of each mounted file."""


class Staleness:
    """Compares what is mounted, and the secret's version, with those at its creation.

    Kubernetes renews the files of a mounted ConfigMap or Secret within about a minute, the
    environment of a running process never.
    """

    def __init__(self, mounted: Iterable[Path], rhythm: Timing) -> None:
        self._mounted = tuple(mounted)
        self._rhythm = rhythm
        self._secret: SecretVersion | None = None
        # Of this process alone: the digests are compared with each other and nothing else.
        self._salt = secrets.token_bytes(16)
        self._copies = self._read()
        self._since = ""
        self._secret_is_newer = False
        self._ask_secret_after = 0.0

    def follow(self, secret: SecretVersion) -> None:
        """Compare the secret that settings came from, too."""
        self._secret = secret

    @property
    def stale(self) -> bool:
        """Return whether the last look found newer configuration."""
        return bool(self._since)

    async def look(self) -> None:
        """Raise DependencyError where the cluster's configuration is newer than ours."""
        changed = await asyncio.to_thread(self._read) != self._copies
        changed = changed or await self._has_newer_secret()
        CONFIGURATION_STALE.set(changed)
        if not changed:
            self._since = ""
            return
        self._since = self._since or f"{self._rhythm.now():%Y-%m-%d %H:%M} UTC"
        raise DependencyError(STALE, {"since": self._since}, serious=False)

    async def _has_newer_secret(self) -> bool:
        if self._secret is None or self._rhythm.monotonic() < self._ask_secret_after:
            return self._secret_is_newer
        try:
            self._secret_is_newer = await self._secret.newest() != self._secret.current
        except DependencyError as unknown:
            # An unknown version is worth a warning. The present configuration is still good.
            raise DependencyError(
                unknown.cause, unknown.facts, serious=False
            ) from unknown.__cause__
        self._ask_secret_after = self._rhythm.monotonic() + _ASK_SECRET_EVERY
        return self._secret_is_newer

    def _read(self) -> Copies:
        return {path: self._digest(path) for place in self._mounted for path in _files(place)}

    def _digest(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST_FILE)
        except OSError:
            # It is being replaced, and will be another one at the next look.
            return b""
        return hashlib.blake2b(content, key=self._salt).digest()


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    # Kubernetes keeps the files proper in hidden directories, and links to them.
    try:
        found = sorted(path for path in place.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    return [path for path in found[:_MOST_FILES] if path.is_file()]


def fingerprint(settings: Settings) -> str:
    """Return twelve characters, the same on two pods with the same configuration.

    Of a secret only its slow, salted digest goes in.
    """
    values = {
        each.name: _plain(each, settings)
        for each in variables().values()
        # What was built is not how it is configured.
        if each.group != "build"
    }
    canonical = json.dumps(values, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _plain(variable: Variable, settings: Settings) -> str:
    # Not getattr: it would warn each time that an obsolete field is read.
    group = settings.__dict__[variable.group] if variable.group else settings
    value = group.__dict__[variable.field]
    return secret_digest(variable.name, value) if isinstance(value, SecretStr) else str(value)
