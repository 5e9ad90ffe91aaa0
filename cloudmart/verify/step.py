"""The result of a step: a finding, or an exception for a failure, a skip or a warning."""

from dataclasses import dataclass

from cloudmart.findings.finding import CheckFinding
from cloudmart.verify.failed_layer import Layer


@dataclass(frozen=True, slots=True)
class StepFinding(CheckFinding):
    """The result of a step: the layer that failed, if one did, and how long the step took."""

    layer: str = ""
    seconds: float = 0.0

    @property
    def took(self) -> float:
        """Return the seconds that the step took."""
        return self.seconds


class StepFailedError(Exception):
    """The shop did not do as it should.

    `request` is the id of the request that showed it, and `timed_out` whether nothing came at all.
    """

    def __init__(
        self, layer: Layer, sentence: str, *, request: str = "", timed_out: bool = False
    ) -> None:
        super().__init__(sentence)
        self.layer = layer
        self.request = request
        self.timed_out = timed_out


class StepSkippedError(Exception):
    """It is not tried; the sentence says why."""


class StepUnknownError(Exception):
    """It was tried without a result; the sentence says why."""


class StepWarnedError(Exception):
    """It works, with a warning."""
