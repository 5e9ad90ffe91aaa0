"""The session in the README: its commands, and the answers that it shows."""

import re
import subprocess
from dataclasses import dataclass

HOME = "http://127.0.0.1:5000"

_SESSION = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Ids and times differ in each session.
_VARYING = re.compile(r"\b([0-9a-f]{32}|[2-9a-hjkmnp-z]{16})\b|\d{4}-\d\d-\d\dT[\d:.]+Z")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A command and its output."""

    command: str
    output: str


def session(readme: str) -> list[Exchange]:
    """Return the exchanges of the README's session."""
    exchanges = []
    for block in _SESSION.findall(readme):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            exchanges.append(Exchange(command, output))
    return exchanges


def answer(command: str, home: str) -> str:
    """Return what a command of the session prints, for a shop at another address."""
    elsewhere = command.replace(HOME, home)
    done = subprocess.run(  # noqa: S603 - the README is ours
        ["/bin/sh", "-c", elsewhere], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout


def steady(output: str) -> str:
    """Return an output without its ids and times."""
    return _VARYING.sub("…", output)
