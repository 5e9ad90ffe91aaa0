"""The administrators as a setting tells them: `name:hash` pairs, divided by white space."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, SecretStr

_NAME = re.compile(r"[\w.@+-]{1,64}")
_HASH = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})"
    r"\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}",
    re.ASCII,
)
# Below, a stolen hash is guessed too fast; above, checking one takes what the shop needs.
_KIBIBYTES = range(8 * 1024, 256 * 1024 + 1)
_PASSES = range(1, 11)
_LANES = range(1, 9)


def admins(told: SecretStr) -> Mapping[str, str]:
    """Return the hash of each administrator by name, or raise ValueError in words.

    No message has a name or a hash in it: a password may stand in their place.
    """
    found: dict[str, str] = {}
    for number, pair in enumerate(told.get_secret_value().split(), 1):
        name, colon, hashed = pair.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise ValueError(f"has no name and colon before the hash in pair {number}")
        if name in found:
            raise ValueError(f"has a name twice, again in pair {number}")
        cost = _HASH.fullmatch(hashed)
        if not cost:
            raise ValueError(f"has something else than an argon2id hash in pair {number}")
        memory, passes, lanes = map(int, cost.groups())
        if memory not in _KIBIBYTES or passes not in _PASSES or lanes not in _LANES:
            raise ValueError(f"has a hash that is too cheap or too dear to check in pair {number}")
        found[name] = hashed
    return found


def _checked(told: SecretStr) -> SecretStr:
    admins(told)
    return told


AdminUsers = Annotated[SecretStr, AfterValidator(_checked)]
