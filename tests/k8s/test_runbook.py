"""The address of the runbook: filled in once, and in the link of every alert."""

import re
import shutil
from pathlib import Path

import pytest

from k8s.alerts.runbook import MONITORING, link_alerts, link_faults, runbook

RULES = ("alerts.yaml", "absent.yaml", "staging/absent.yaml")
OURS = "https://wiki.shop.dev/cloudmart/runbook"


@pytest.fixture
def monitoring(tmp_path: Path) -> Path:
    """Return a copy of the directory of the alerts, with the address of a shop."""
    directory = tmp_path / "k8s" / "monitoring"
    shutil.copytree(MONITORING, directory)
    (directory / "operator.toml").write_text(f'runbook = "{OURS}"\n')
    return directory


def links(file: Path) -> set[str]:
    """Return where the alerts of a file link to, without headings."""
    return {
        each.partition("#")[0]
        for each in re.findall(r"runbook_url: (\S+)", file.read_text("utf-8"))
    }


def test_as_shipped_the_placeholder_is_named_and_nothing_else() -> None:
    (fault,) = link_faults()

    assert fault.startswith("k8s/monitoring/operator.toml: runbook is a placeholder (https://")
    assert "make alerts" in fault


def test_the_address_is_written_into_every_alert(monitoring: Path) -> None:
    before = {name: (monitoring / name).read_text("utf-8") for name in RULES}

    link_alerts(monitoring)

    assert runbook(monitoring) == OURS
    for name in RULES:
        file = monitoring / name
        assert links(file) == {OURS}
        assert file.read_text("utf-8").replace(OURS, runbook()) == before[name]


def test_an_alert_that_links_elsewhere_is_named(monitoring: Path) -> None:
    link_alerts(monitoring)

    # What `make alerts` makes of the promises is still as it was.
    assert list(link_faults(monitoring)) == [
        "k8s/monitoring/slo.yaml: alerts link to another runbook: run `make alerts`."
    ]


@pytest.mark.parametrize("address", ["", "runbook.md", "https://wiki.shop.dev/runbook#here"])
def test_what_is_no_address_is_refused(monitoring: Path, address: str) -> None:
    (monitoring / "operator.toml").write_text(f'runbook = "{address}"\n')

    fault, *_ = link_faults(monitoring)

    assert "operator.toml: runbook is no address without a heading" in fault
