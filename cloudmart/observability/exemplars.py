"""Which trace a measurement belongs to, for scrapers that ask for OpenMetrics."""

from collections.abc import Callable

from cloudmart.observability.trace_context import current_trace_id

TraceSource = Callable[[], str | None]
"""Returns the id of the trace that is recorded now, or None where none is."""


class Exemplars:
    """Names the trace of a measurement; none while nothing is traced."""

    def __init__(self) -> None:
        self._source: TraceSource = current_trace_id

    def use(self, source: TraceSource) -> None:
        """Take the ids of traces from here on from a source."""
        self._source = source

    def stop(self) -> None:
        """Name the trace of the present request again, if it is recorded."""
        self._source = current_trace_id

    def current(self) -> dict[str, str] | None:
        """Return the labels of an exemplar for what is measured now."""
        trace = self._source()
        return {"trace_id": trace} if trace else None


EXEMPLARS = Exemplars()
"""Those of the process."""
