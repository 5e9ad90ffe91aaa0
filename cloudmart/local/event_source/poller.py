"""Reading a stream and delivering what it has, over and over."""

import threading
from collections.abc import Sequence
from itertools import islice
from typing import Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from cloudmart.local.event_source.delivery import Delivery
from cloudmart.local.event_source.stream import Stream

_log = structlog.stdlib.get_logger(__name__)


class Poller:
    """Takes a stream's records to a function in batches, each shard's in their order."""

    def __init__(self, stream: Stream, delivery: Delivery) -> None:
        self._stream = stream
        self._delivery = delivery

    def drain(self) -> int:
        """Deliver all that the stream has now, and return how many records that were."""
        delivered = 0
        for shard, records in self._stream.poll():
            for batch in _batches(records, self._delivery.mapping.batch_size):
                self._delivery.deliver(shard, batch)
            delivered += len(records)
        return delivered

    def run(self, stopping: threading.Event, *, pause: float = 0.25) -> None:
        """Deliver until told to stop; a stream that does not answer is asked again."""
        while not stopping.is_set():
            try:
                self.drain()
            except (BotoCoreError, ClientError):
                _log.exception("stream_away")
            stopping.wait(pause)


def _batches(records: Sequence[Any], size: int) -> list[list[Any]]:
    rest = iter(records)
    return list(iter(lambda: list(islice(rest, size)), []))
