"""What those who use a dependency tell of it, written down in the health of the service."""

from collections.abc import Callable

from cloudmart.health.causes import Cause, DependencyError
from cloudmart.health.state import Dependency, Health


class HealthReporter:
    """Tells health of one dependency, in words that `obstacle_of` finds for what was met."""

    def __init__(
        self,
        health: Health,
        dependency: Dependency,
        obstacle_of: Callable[[Exception], DependencyError],
    ) -> None:
        self._health = health
        self._dependency = dependency
        self._obstacle_of = obstacle_of

    def ok(self) -> None:
        """Show that it does what it should."""
        self._health.remark(self._dependency, None)

    def trouble(self, cause: Exception) -> None:
        """Show that it does not, and why."""
        self._health.remark(self._dependency, self._obstacle_of(cause))


def always(cause: Cause) -> Callable[[Exception], DependencyError]:
    """Return what finds the same words whatever was met, for what the service can do without."""
    return lambda _: DependencyError(cause, serious=False)
