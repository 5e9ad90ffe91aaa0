"""Secrets and addresses taken out of the texts that a doctor shows."""

import json
import re
from collections.abc import Iterable

from pydantic import SecretStr

from cloudmart.doctor.target import DoctorTarget

_SHORTEST = 6
"""Characters of a secret that is looked for in texts: a shorter one would be found in any word."""

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_KEYS = re.compile(
    r"(?<=://)[^/@\s]*(?=@)"  # a URL's user and password
    r"|\b(?:sk-|AKIA|ASIA|gh[opsu]_|eyJ)[\w.-]{8,}"  # keys and tokens, by how they begin
    r"|-----BEGIN[^-]+KEY-----.*?-----END[^-]+KEY-----",
    re.DOTALL,
)
_SECRET_NAMES = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|USERS|CREDENTIAL", re.IGNORECASE)
_NOT_SECRET = re.compile(r"_(?:FILE|ID|URI)$")


class Redaction:
    """Takes secrets and e-mail addresses out of texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({each for each in secrets if len(each) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    @classmethod
    def of(cls, target: DoctorTarget) -> "Redaction":
        """Return what knows the secrets of a target: its settings and its variables."""
        settings = (
            each.value.get_secret_value()
            for each in target.loaded.report.readings
            if isinstance(each.value, SecretStr)
        )
        variables = (
            value
            for name, value in target.environ.items()
            if _SECRET_NAMES.search(name) and not _NOT_SECRET.search(name)
        )
        # Logs and JSON have a secret as it is, or escaped.
        every = [*settings, *variables]
        return cls([*every, *(json.dumps(each)[1:-1] for each in every)])

    def __call__(self, text: str) -> str:
        """Return a text without secrets."""
        if self._known:
            text = self._known.sub("…", text)
        return _EMAIL.sub("…@…", _KEYS.sub("…", text))
