"""What an event source mapping is told, under CloudFormation's names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

_ENDLESS = -1


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """How a stream's records come to a function.

    `retries` and `age` (in seconds) bound how often and how long a batch is tried again; None is
    endless, as AWS has it by default.
    """

    batch_size: int = 100
    bisect: bool = False
    retries: int | None = None
    age: float | None = None
    partial: bool = False
    start: str = "TRIM_HORIZON"

    @classmethod
    def of_properties(cls, properties: Mapping[str, Any]) -> Self:
        """Return the mapping that a template's properties describe."""
        return cls(
            batch_size=properties.get("BatchSize", 100),
            bisect=properties.get("BisectBatchOnFunctionError", False),
            retries=_bounded(properties.get("MaximumRetryAttempts", _ENDLESS)),
            age=_bounded(properties.get("MaximumRecordAgeInSeconds", _ENDLESS)),
            partial="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ()),
            start=properties["StartingPosition"],
        )


def _bounded(told: int) -> int | None:
    return None if told == _ENDLESS else told
