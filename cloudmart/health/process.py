"""What a process has before it has its settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import aioboto3

from cloudmart.dynamodb.session import new_session
from cloudmart.health.board import Health
from cloudmart.health.patience import Patience
from cloudmart.health.secret import SecretVersion
from cloudmart.settings import Settings


@dataclass(frozen=True, slots=True)
class Process:
    """Its state, its patience, its session with AWS: begun once, whatever is served."""

    health: Health
    patience: Patience
    session: aioboto3.Session
    environ: Mapping[str, str]
    secret: SecretVersion | None = None

    @classmethod
    def begin(
        cls,
        settings: Settings,
        health: Health | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> "Process":
        """Return a process that has just begun."""
        health = health or Health()
        patience = Patience(health.lifecycle, health.rhythm, settings.startup.timeout)
        return cls(health, patience, new_session(settings.aws.region), environ)
