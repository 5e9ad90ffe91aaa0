"""What a client would rather have (RFC 9110, 12.5.1)."""

import re

_WEIGHT = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")

_MOST_NAMES = 32
_MOST_PARAMETERS = 8
"""A header may be long; no client has more to say."""


def quality(accept: str, name: str) -> float:
    """Return the weight of a media type or coding that a header names itself; 0 if it does not."""
    for part in accept.split(",", _MOST_NAMES)[:_MOST_NAMES]:
        named, *parameters = part.split(";", _MOST_PARAMETERS)
        if named.strip().lower() == name:
            told = (_WEIGHT.fullmatch(parameter.strip().lower()) for parameter in parameters)
            return next((float(weight[1]) for weight in told if weight), 1.0)
    return 0.0
