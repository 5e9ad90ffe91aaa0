"""What every model has in common: camelCase on the wire, frozen, unknown fields ignored."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from cloudmart.observability.metrics import OLD_SHAPE_ITEMS
from cloudmart.values.unreadable import UnreadableItems

_MOST = 10**15
_unreadable = UnreadableItems()


class Model(BaseModel):
    """A message or a part of one."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
        extra="ignore",
        # An error's sentence may reach a log, where what customers wrote has no place.
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )


class Stored(Model):
    """A stored thing or a part of one. All has a default, for old items lack much."""

    # Where a number stands for a text, as an id's, it is shown as one.
    model_config = ConfigDict(coerce_numbers_to_str=True)


class Entity(Stored):
    """A thing that is stored, known by its id."""

    id: str = Field(description="Its id, for its address.")

    @classmethod
    def modern(cls, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a stored item's attributes in today's shape; kinds with older ones say how."""
        return item

    @classmethod
    def old_shapes(cls, item: Mapping[str, Any]) -> Iterable[str]:  # noqa: ARG003 - its kinds'
        """Return words for what an older release wrote otherwise in a stored item."""
        return ()

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Return the entity a stored item holds, as well as it can be read.

        An attribute that cannot be read is left out (its default shows), and the item is counted
        and named in the log: one bad item never breaks a list.
        """
        return cls.read_with_faults(item)[0]

    @classmethod
    def read_with_faults(cls, item: Mapping[str, Any]) -> tuple[Self, Sequence[str]]:
        """Return what `read` does, and the attributes that were left out."""
        for shape in cls.old_shapes(item):
            OLD_SHAPE_ITEMS.labels(cls.__name__, shape).inc()
        readable = cls._modern(item)
        left_out: Sequence[str] = ()
        while True:
            try:
                return cls.model_validate(readable, by_name=False), left_out
            except ValidationError as error:
                faults = error.errors(include_url=False, include_input=False)
                if not left_out:
                    left_out = sorted({str(fault["loc"][0]) for fault in faults if fault["loc"]})
                    cls.report_faults(item, left_out)
                kept = _members(readable, [fault["loc"] for fault in faults])
                # What lost a part it needs goes in the next round: never more rounds than levels.
                if kept == readable:
                    raise
                readable = kept

    @classmethod
    def report_faults(cls, item: Mapping[str, Any], faults: Sequence[str]) -> None:
        """Count a read of an item with attributes that cannot be read, if it has any."""
        if faults:
            _unreadable.add(cls.__name__, item.get("id"), faults)

    @classmethod
    def read_whole(cls, item: Mapping[str, Any]) -> Self:
        """Return the entity a stored item holds, or raise ValidationError."""
        return cls.model_validate(cls._modern(item), by_name=False)

    @classmethod
    def _modern(cls, item: Mapping[str, Any]) -> Mapping[str, Any]:
        return cls.modern({name: value for name, value in item.items() if value is not None})

    def item(self) -> dict[str, Any]:
        """Return the attributes to store: money decimal, absent values left out."""
        return self.model_dump(exclude_none=True)


Path = tuple[int | str, ...]


def _without(value: Any, paths: Sequence[Path]) -> Any:  # noqa: ANN401 - any JSON
    """Return a copy of a value without what some paths lead to, or None where nothing is left.

    Where a path leads to nothing, what should have held it is as bad: an element that lacks what
    it needs, a set that stands for a list.
    """
    if () in paths or not isinstance(value, dict | list):
        return None
    members = value if isinstance(value, dict) else dict(enumerate(value))
    if not all(path[0] in members for path in paths):
        return None
    kept = _members(members, paths)
    return kept if isinstance(value, dict) else list(kept.values())


def _members(members: Mapping[Any, Any], paths: Sequence[Path]) -> dict[Any, Any]:
    below: dict[int | str, list[Path]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).append(tuple(rest))
    kept = {
        name: _without(value, below[name]) if name in below else value
        for name, value in members.items()
    }
    return {name: value for name, value in kept.items() if value is not None or name not in below}


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

        Older releases change a status, and mostly the time, without counting.
        """

    def item(self) -> dict[str, Any]:
        """Return the attributes to store, with the count that no answer shows."""
        return super().item() | {"version": self.version}


def entity_tag(version: int, changed: datetime | None, status: StrEnum, *more: str) -> str:
    """Return the tag of a state; `more` tells what is shown of it from what others are shown."""
    moment = round(changed.timestamp() * 1000) if changed else 0
    return f'"{"-".join((str(version), str(moment), status, *more))}"'
