"""Things that change, and are told apart by how often they have."""

from abc import abstractmethod
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from cloudmart.values.model import Entity

_MOST = 10**15


def _count(value: Any) -> int:  # noqa: ANN401 - whatever the table holds
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return int(value) if number and 0 <= value <= _MOST else 0


class Versioned(Entity):
    """A stored thing that counts its changes. Those of older releases have counted none."""

    version: Annotated[int, BeforeValidator(_count), Field(exclude=True)] = 0

    @property
    @abstractmethod
    def etag(self) -> str:
        """Return the strong validator of its present state (RFC 9110, 8.8.3).

        Releases before change a status, and mostly the time, without counting.
        """

    def item(self) -> dict[str, Any]:
        """Return the attributes to store, with the count that no answer shows."""
        return super().item() | {"version": self.version}


def entity_tag(version: int, changed: datetime | None, status: StrEnum) -> str:
    """Return the tag of a state."""
    moment = round(changed.timestamp() * 1000) if changed else 0
    return f'"{version}-{moment}-{status}"'
