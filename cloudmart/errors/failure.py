"""What every expected failure has in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where (a JSON pointer, RFC 6901) and what."""

    pointer: str
    message: str


class CloudmartError(Exception):
    """An expected failure: its sentence is written for the caller, its docstring explains it.

    `example` is such a sentence, for the API's document.

    `details` carries facts a program may want (a current price); `faults` the places in the
    request that are wrong; `retry_after` the seconds after which trying again makes sense.
    """

    status: ClassVar[HTTPStatus]
    code: ClassVar[str]
    example: ClassVar[str]

    def __init__(
        self,
        sentence: str,
        *,
        details: Mapping[str, Any] | None = None,
        faults: Sequence[Fault] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(sentence)
        self.details = details
        self.faults = faults
        self.retry_after = retry_after
