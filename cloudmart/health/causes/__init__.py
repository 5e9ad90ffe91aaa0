"""Every known cause of a start that waits and of a check that fails, by what it is about."""

from types import ModuleType

from cloudmart.health.causes import (
    aws_environment,
    credentials,
    process,
    providers,
    services,
    web_identity,
)
from cloudmart.health.causes.cause import Cause, DependencyError

GROUPS: tuple[ModuleType, ...] = (
    credentials,
    web_identity,
    aws_environment,
    services,
    process,
    providers,
)


def all_causes() -> dict[str, list[Cause]]:
    """Return the causes by the sentence that says what they are about."""
    return {
        str(group.__doc__): [value for value in vars(group).values() if isinstance(value, Cause)]
        for group in GROUPS
    }


__all__ = ["GROUPS", "Cause", "DependencyError", "all_causes"]
