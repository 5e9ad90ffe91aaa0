"""How much is kept of what callers send: the rest is cut off before it is looked at."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MOST_ITEMS = 20_000
"""Items that any list of a request may have."""


class _Cut(ABC):
    """Cuts a value before it is validated; a decoder may do so even before."""

    @abstractmethod
    def cut(self, value: Any) -> Any:  # noqa: ANN401 - whatever a caller sends
        """Return what is kept of a value."""

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        cut: Callable[[Any], Any] = self.cut
        return core_schema.no_info_before_validator_function(cut, handler(source))


@dataclass(frozen=True, slots=True)
class Characters(_Cut):
    """Of a text, so many of its first characters."""

    most: int

    def cut(self, value: Any) -> Any:  # noqa: ANN401
        """Return the beginning of a text."""
        return value[: self.most] if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Newest(_Cut):
    """Of a list, so many of its last items, with one more to show that there were more.

    To say what is wrong with each of the millions that a body has room for takes minutes.
    """

    most: int

    def cut(self, value: Any) -> Any:  # noqa: ANN401
        """Return the end of a list, or raise ValueError where it is out of all proportion."""
        if not isinstance(value, list):
            return value
        if len(value) > MOST_ITEMS:
            raise PydanticCustomError("too_many", "send at most {most} of them", {"most": "20,000"})
        return value[-self.most - 1 :]
