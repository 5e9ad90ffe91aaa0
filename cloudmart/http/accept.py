"""What a client would rather have (RFC 9110, 12.5.1)."""

import re

_WEIGHT = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")


def quality(accept: str, media_type: str) -> float:
    """Return the weight of a media type that an `Accept` header names itself; 0 if it does not."""
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name == media_type:
            weights = [_WEIGHT.fullmatch(parameter) for parameter in parameters]
            return next((float(weight[1]) for weight in weights if weight), 1.0)
    return 0.0
