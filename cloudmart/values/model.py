"""What every model has in common: camelCase on the wire, frozen, unknown fields ignored."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from cloudmart.observability.metrics import UNREADABLE_ITEMS


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
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Return the entity a stored item holds, as well as it can be read.

        An attribute that cannot be read is left out (its default shows) and counted: one bad
        item never breaks a list.
        """
        modern = cls._modern(item)
        try:
            return cls.model_validate(modern, by_name=False)
        except ValidationError as error:
            UNREADABLE_ITEMS.labels(cls.__name__).inc()
            readable = deepcopy(dict(modern))
            # Backwards, so that removing a list's element moves no other that is still to go.
            for fault in reversed(error.errors(include_url=False, include_input=False)):
                _remove(readable, *fault["loc"])
            return cls.model_validate(readable, by_name=False)

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


def _remove(holder: Any, step: int | str, *rest: int | str) -> None:  # noqa: ANN401 - any JSON
    if rest and _has(holder[step], rest[0]):
        _remove(holder[step], *rest)
    elif _has(holder, step):  # or a default that waits for another attribute
        del holder[step]


def _has(holder: Any, step: int | str) -> bool:  # noqa: ANN401 - any JSON
    if isinstance(holder, list):
        return isinstance(step, int) and step < len(holder)
    return isinstance(holder, dict) and step in holder
