"""How a roll-out ends, as exit codes and as what is raised on the way there."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command's exit code means."""

    ROLLED_OUT = 0
    NOT = 1
    """Not rolled out, and what ran before runs."""
    CALLED_WRONGLY = 2
    NEEDS_A_PERSON = 3
    """Not rolled out, and nobody but a person can say what is right now."""


class NotRolledOutError(Exception):
    """It was not rolled out, and what ran before runs."""


class UnwellError(Exception):
    """The new pods, or the way to them, are not as they should be: go back."""


class PersonNeededError(Exception):
    """It cannot go on and cannot go back by itself."""


class BrokenOffError(BaseException):
    """Somebody broke the roll-out off, or another one has taken its place."""
