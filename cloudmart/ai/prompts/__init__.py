"""The instructions of a model: a file of sections, with a version."""

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

_FILE = "assistant.toml"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The sections, and the version that metrics, log lines and evaluations name."""

    version: str
    sections: Mapping[str, str]

    def instructions(self, tools: Collection[str]) -> str:
        """Return the instructions for a model that may use some tools, by their names."""
        reads = "get_order" in tools
        chosen = {
            "about": True,
            "products": True,
            "help": "search_help" in tools,
            "no_help": "search_help" not in tools,
            "orders": reads,
            "no_orders": not reads,
            "changes": "cancel_order" in tools,
            "no_changes": reads and "cancel_order" not in tools,
            "tickets": "open_ticket" in tools,
            "rules": True,
        }
        return "\n".join(self.sections[name] for name, told in chosen.items() if told)


@cache
def assistant_prompt() -> Prompt:
    """Return the prompt that ships."""
    text = resources.files(__package__).joinpath(_FILE).read_text("utf-8")
    return read_prompt(text)


def read_prompt(text: str) -> Prompt:
    """Return the prompt of a file's text. A change without a new number shows in the digest."""
    told = tomllib.loads(text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return Prompt(f"{told['version']}-{digest}", told["sections"])
