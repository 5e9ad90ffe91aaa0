"""An answer while it comes: in pieces that may end inside a character, and may never end."""

from cloudmart.ai.providers import rude

LONGEST_ANSWER = 20_000
"""Characters of an answer that are kept: far more than any model was asked for."""


class Pieces:
    """Gathers the pieces of an answer, as far as it is kept."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._length = 0
        self._half = ""

    @property
    def text(self) -> str:
        """Return what there is of the answer."""
        return rude.text("".join([*self._kept, self._half]))

    @property
    def full(self) -> bool:
        """Tell whether nothing more of the answer is kept."""
        return self._length >= LONGEST_ANSWER

    def add(self, piece: object) -> str:
        """Take a piece in; return what may be shown of it and of what was held back."""
        if not isinstance(piece, str) or self.full:
            return ""
        whole = (self._half + piece)[: LONGEST_ANSWER - self._length]
        # The other half comes with the next piece.
        self._half = whole[-1] if whole and "\ud800" <= whole[-1] <= "\udbff" else ""
        shown = rude.text(whole.removesuffix(self._half))
        self._kept.append(shown)
        self._length += len(shown)
        return shown
