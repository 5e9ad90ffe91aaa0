"""What AWS does between a table's stream and a Lambda: an event source mapping, on one machine."""

from cloudmart.local.event_source.delivery import Delivery
from cloudmart.local.event_source.mapping import EventSourceMapping
from cloudmart.local.event_source.poller import Poller
from cloudmart.local.event_source.stream import Stream

__all__ = ["Delivery", "EventSourceMapping", "Poller", "Stream"]
