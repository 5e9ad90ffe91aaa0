"""A reason why a dependency is not available, with a sentence and a remedy."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Cause:
    """The public sentence, what an operator does, and what to run first.

    Words in braces are facts of the pod (`{role_name}`), filled in where the cause is logged.
    Those of a `sentence` are for everybody to see.
    """

    code: str
    sentence: str
    remedy: str
    command: str
    passes: bool = True
    """Whether waiting may help; if not, a start that meets it gives up at once."""
    by_hand: str = ""
    """What a person does where a command meets it on their own machine, if that differs."""


class DependencyError(Exception):
    """A dependency is not available, for a known cause.

    It is serious unless the service still works, but should not stay so for long.
    """

    def __init__(
        self,
        cause: Cause,
        facts: Mapping[str, str] | None = None,
        *,
        serious: bool = True,
        answer: str = "",
    ) -> None:
        self.cause = cause
        self._answer = answer
        self.facts = facts or {}
        self.serious = serious
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """Return the message for the public."""
        return self._filled(self.cause.sentence)

    @property
    def remedy(self) -> str:
        """Return what an operator does about it."""
        return self._filled(self.cause.remedy)

    def remedy_in(self, environ: Mapping[str, str]) -> str:
        """Return the remedy in a cluster or, where the environment is no pod's, on a machine."""
        if "KUBERNETES_SERVICE_HOST" in environ or not self.cause.by_hand:
            return self.remedy
        return self._filled(self.cause.by_hand)

    @property
    def command(self) -> str:
        """Return what an operator runs first."""
        return self._filled(self.cause.command)

    @property
    def answer(self) -> str:
        """Return what the other side said, for those who may know."""
        said = self.__cause__
        told = f"{type(said).__name__}: {said}".removesuffix(": ")[:_LONGEST] if said else ""
        return self._answer or told

    def event(self) -> dict[str, str]:
        """Return the fields of its log line."""
        told = {
            "cause": self.cause.code,
            "sentence": self.sentence,
            "answer": self.answer,
            "remedy": self.remedy,
            "next_step": self.command,
        }
        return {name: text for name, text in told.items() if text}

    def _filled(self, text: str) -> str:
        return re.sub(
            r"\{(\w+)\}",
            lambda name: self.facts.get(name[1], f"<{name[1].replace('_', ' ')}>"),
            text,
        )
