"""A process at its start: its health, the deadline of the start, the session with AWS."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import aioboto3

from cloudmart.health.aws_environment import open_session
from cloudmart.health.configuration_drift import Staleness
from cloudmart.health.startup import StartupRetry
from cloudmart.health.state import Health
from cloudmart.observability.metrics import BUILD
from cloudmart.settings import BuildSettings, Settings

_ENOUGH = 12  # characters of a commit, enough to distinguish it


@dataclass(frozen=True, slots=True)
class Runtime:
    """The process's state, its start's deadline and its session with AWS, made once."""

    health: Health
    patience: StartupRetry
    session: aioboto3.Session
    environ: Mapping[str, str]
    staleness: Staleness
    """Compares with what was mounted when the process began, before anything was waited for."""

    @classmethod
    def begin(
        cls,
        settings: Settings,
        health: Health | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> "Runtime":
        """Return a process that has just begun.

        Raises:
            DependencyError: AWS's SDK cannot use what the environment says.
        """
        health = health or Health()
        health.rhythm = health.rhythm.allowing(settings.dynamodb.timeout)
        health.release = _release(settings.build, health.release)
        health.rollout = settings.build.rollout
        patience = StartupRetry(health.lifecycle, health.rhythm, settings.startup.timeout)
        knowledge = settings.assistant.knowledge
        mounted = (
            settings.sources.secrets_dir,
            settings.sources.config_dir,
            knowledge.path if knowledge else None,
        )
        staleness = Staleness([each for each in mounted if each], health.rhythm)
        session = open_session(settings.aws.region, environ)
        return cls(health, patience, session, environ, staleness)


def _release(build: BuildSettings, package: str) -> str:
    """Return the release in the form of semantic versioning, and set its metric."""
    version, commit = build.version or package, build.commit or ""
    BUILD.labels(version, commit).set(1)
    return f"{version}+{commit[:_ENOUGH]}" if commit else version
