"""What of a provider's words may be in a log: codes, ids, and sentences that quote nobody."""

import re
from collections.abc import Sequence

LONGEST_SENTENCE = 300

_LONGEST_READ = 4000

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+=-]{0,127}")
_KEY = r"\b(AKIA|ASIA)[A-Z0-9]{8}|\bsk-\S{4}"
_LIKE_A_KEY = re.compile(_KEY)
_WITH_A_KEY = re.compile(rf"{_KEY}|\bBearer\s|\b(Credential|Signature)=|[A-Za-z0-9+/_=-]{{40}}")
_SHORTEST_QUOTE = 3
_QUOTE = 16
"""Characters that a sentence and a text have in common where one quotes the other."""
_FRAGMENT = 8
"""As many of a secret are too many."""


class Private:
    """Keeps out of a log what holds a secret of ours or a customer's words."""

    def __init__(self, secrets: Sequence[str] = (), texts: Sequence[str] = ()) -> None:
        self._secrets = secrets
        self._texts = texts

    def code(self, code: str) -> str:
        """Return what looks like a code."""
        return code if self._fits(_CODE, code) else ""

    def request_id(self, request_id: str | None) -> str | None:
        """Return what looks like an id."""
        return request_id if request_id and self._fits(_ID, request_id) else None

    def sentence(self, sentence: str) -> str:
        """Return a sentence that quotes neither a key nor a customer."""
        sentence = " ".join(sentence[:_LONGEST_READ].split())
        if _WITH_A_KEY.search(sentence) or self._quoted(sentence):
            return ""
        return sentence[:LONGEST_SENTENCE]

    def _fits(self, form: re.Pattern[str], word: str) -> bool:
        fits = form.fullmatch(word) and not _LIKE_A_KEY.search(word)
        return bool(fits) and not self._quoted(word) and not self._taken(word)

    def _taken(self, word: str) -> bool:
        """Tell whether a word as a whole is one of ours or of a customer's, however short."""
        told = word.casefold()
        return any(told in text.casefold() for text in (*self._secrets, *self._texts))

    def _quoted(self, sentence: str) -> bool:
        told = sentence.casefold()
        return any(_quotes(told, secret, _FRAGMENT) for secret in self._secrets) or any(
            _quotes(told, text, _QUOTE) for text in self._texts
        )


def _quotes(told: str, text: str, size: int) -> bool:
    known = " ".join(text.casefold().split())
    if len(known) <= size:
        return len(known) >= _SHORTEST_QUOTE and known in told
    windows = {told[start : start + size] for start in range(len(told) - size + 1)}
    return any(known[start : start + size] in windows for start in range(len(known) - size + 1))
