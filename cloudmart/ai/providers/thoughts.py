"""What some models (Amazon's Nova) think aloud between tags before they answer."""

import re

_OPEN, _CLOSE = "<thinking>", "</thinking>"
_THOUGHT = re.compile(f"{_OPEN}.*?({_CLOSE}|\\Z)", re.DOTALL)


def without_thoughts(text: str) -> str:
    """Return a text without its thoughts."""
    return _THOUGHT.sub("", text)


class Thoughts:
    """Leaves thoughts out of a text that comes in pieces, wherever those are divided."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def leave_out(self, piece: str) -> str:
        """Return what may be shown now that a piece has come."""
        self._held += piece
        shown = ""
        while True:
            tag = _CLOSE if self._inside else _OPEN
            before, found, after = self._held.partition(tag)
            if not found:
                break
            shown += "" if self._inside else before
            self._held, self._inside = after, not self._inside
        undecided = _beginning_of(tag, self._held)
        if not self._inside:
            shown += self._held[: len(self._held) - undecided]
        self._held = self._held[len(self._held) - undecided :]
        return shown


def _beginning_of(tag: str, text: str) -> int:
    """Return how many characters at the end of a text may be the beginning of a tag."""
    longest = min(len(tag) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if text.endswith(tag[:size])), 0)
