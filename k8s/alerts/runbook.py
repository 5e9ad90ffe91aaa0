"""The address of the runbook, which every alert links to: an operator fills it in.

python -m k8s.alerts.runbook k8s/monitoring
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

MONITORING = Path(__file__).parents[1] / "monitoring"

_VALUES = "operator.toml"
_WRITTEN_BY_HAND = ("alerts.yaml", "absent.yaml", "staging/absent.yaml")
_LINK = re.compile(r"(?<=runbook_url: )[^\s#]+(?=#)")
_PLACEHOLDER = "OWNER"


def runbook(directory: Path = MONITORING) -> str:
    """Return the address."""
    address: str = tomllib.loads((directory / _VALUES).read_text("utf-8"))["runbook"]
    return address


def link_alerts(directory: Path) -> None:
    """Write the address into the rules that people write; `make alerts` makes the others."""
    address = runbook(directory)
    for name in _WRITTEN_BY_HAND:
        file = directory / name
        text = _LINK.sub(lambda _: address, file.read_text("utf-8"))
        file.write_text(text, "utf-8")


def link_faults(directory: Path = MONITORING) -> Iterator[str]:
    """Yield a sentence for each thing that makes a link of an alert lead nowhere."""
    values, address = directory / _VALUES, runbook(directory)
    shown = Path(directory.parent.name) / directory.name
    if not re.fullmatch(r"https?://[^\s#]+", address):
        yield f"{shown / values.name}: runbook is no address without a heading: {address!r}."
    elif _PLACEHOLDER in address.split("/"):
        yield (
            f"{shown / values.name}: runbook is a placeholder ({address}): put in where your "
            "people read docs/operations/runbook.md, and run `make alerts`."
        )
    for name in (*_WRITTEN_BY_HAND, "slo.yaml"):
        links = set(_LINK.findall((directory / name).read_text("utf-8")))
        if links != {address}:
            yield f"{shown / name}: alerts link to another runbook: run `make alerts`."


if __name__ == "__main__":
    link_alerts(Path(sys.argv[1]))
    sys.stdout.writelines(f"{fault}\n" for fault in link_faults(Path(sys.argv[1])))
