"""What counts, and how much is allowed, as the settings have it."""

from collections.abc import Callable

from cloudmart.rates.classes import RouteClass
from cloudmart.rates.counter import Counter, StoredCounter
from cloudmart.rates.memory import BoundedStorage
from cloudmart.rates.shared import SharedCounter
from cloudmart.settings import Environment, LimitSettings, Settings


def limits_of(settings: Settings) -> dict[RouteClass, int]:
    """Return what one client may ask for a minute, by class; what has no limit is left out."""
    limits = settings.limits
    told = {
        RouteClass.READ: limits.read,
        RouteClass.WRITE: limits.write,
        RouteClass.CHAT: limits.chat,
        RouteClass.EMAIL: limits.email,
    }
    if settings.environment is Environment.LOCAL:
        told = {kind: most for kind, most in told.items() if kind in limits.model_fields_set}
    return {kind: most for kind, most in told.items() if most}


def counter_of(limits: LimitSettings, tell: Callable[[bool], None]) -> Counter:
    """Return what counts; nothing is connected yet.

    Args:
        limits: They may name a Redis.
        tell: Called with False when the Redis fails and with True when it is back.
    """
    local = StoredCounter(BoundedStorage())
    if limits.storage is None:
        return local
    return SharedCounter(limits.storage.get_secret_value(), local, tell)
