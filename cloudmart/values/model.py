"""What every model has in common: camelCase on the wire, frozen, unknown fields ignored."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
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
        json_schema_serialization_defaults_required=True,
    )


class Entity(Model):
    """A thing that is stored, known by its id. All else has a default, for old items lack much."""

    id: str

    @classmethod
    def modern(cls, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a stored item in today's shape; kinds that have older ones say how."""
        return item

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Return the entity a stored item holds, as well as it can be read.

        An attribute that cannot be read is left out (its default shows) and counted: one bad
        item never breaks a list.
        """
        modern = cls.modern(item)
        try:
            return cls.model_validate(modern)
        except ValidationError as error:
            UNREADABLE_ITEMS.labels(cls.__name__).inc()
            readable = deepcopy(dict(modern))
            # Backwards, so that removing a list's element moves no other that is still to go.
            for fault in reversed(error.errors(include_url=False, include_input=False)):
                _remove(readable, *fault["loc"])
            return cls.model_validate(readable)

    def item(self) -> dict[str, Any]:
        """Return the attributes to store: money decimal, absent values left out."""
        return self.model_dump(exclude_none=True)


def _remove(holder: Any, step: int | str, *rest: int | str) -> None:  # noqa: ANN401 - any JSON
    if rest and isinstance(holder[step], dict | list) and _has(holder[step], rest[0]):
        _remove(holder[step], *rest)
    else:
        del holder[step]


def _has(holder: dict[str, Any] | list[Any], step: int | str) -> bool:
    return step in holder if isinstance(holder, dict) else int(step) < len(holder)
