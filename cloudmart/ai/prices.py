"""The cost of a model's step or of a sentiment analysis, by the list of prices."""

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from cloudmart.ai.ports import Usage

_MILLION = 1_000_000
_RELEASE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class Price:
    """What one model costs in US dollars, as its provider published it."""

    date: date
    source: str
    input: float = 0.0
    cached: float = 0.0
    output: float = 0.0
    unit: float = 0.0

    def of_tokens(self, usage: Usage) -> float:
        """Return what tokens cost; the cached ones are part of the input."""
        cached = min(usage.cached_tokens, usage.input_tokens or 0)
        fresh = (usage.input_tokens or 0) - cached
        written = usage.output_tokens or 0
        return (fresh * self.input + cached * self.cached + written * self.output) / _MILLION


@cache
def price_list() -> dict[tuple[str, str], Price]:
    """Return the prices by provider and model."""
    text = files("cloudmart.ai").joinpath("prices.toml").read_text("utf-8")
    entries: list[dict[str, Any]] = [each for kind in tomllib.loads(text).values() for each in kind]
    prices = {}
    for entry in entries:
        provider, models = entry.pop("provider"), entry.pop("models")
        prices.update({(provider, model): Price(**entry) for model in models})
    return prices


def price_of(provider: str, model: str) -> Price | None:
    """Return a model's price, or None where the list has none.

    A model's name may be an ARN, or end with the day of its release.
    """
    name = model.rpartition("/")[2]
    prices = price_list()
    return prices.get((provider, name)) or prices.get((provider, _RELEASE.sub("", name)))
