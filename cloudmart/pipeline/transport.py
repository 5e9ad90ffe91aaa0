"""What carries orders to the warehouse, as the pipeline's status asks about it."""

from typing import Protocol

from cloudmart.pipeline.models import MappingStatus


class Transport(Protocol):
    """Tells how the records of the stream get on, or raises UnknownError."""

    async def mapping(self, table: str, stream: str | None) -> MappingStatus:
        """Return how what reads a table's stream does; its iterator age is asked for by itself.

        `stream` is the ARN of the one the table has now, or None where that is not known.
        """
        ...

    async def iterator_age(self) -> float:
        """Return how old the records were that were read last, in seconds."""
        ...

    async def queued(self) -> int:
        """Return how many batches were given up and wait in the failure queue."""
        ...

    async def quarantined(self) -> int:
        """Return how many records cannot become a row, counted up to 1000."""
        ...
