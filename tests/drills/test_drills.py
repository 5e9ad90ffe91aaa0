"""The drills, played; and their table, looked at."""

from pathlib import Path

import pytest

from tests.drills.drill import Drill, drills
from tests.drills.faults import FAULTS, PREPARATIONS
from tests.drills.run import play
from tests.support.alert_rules import alert_rules

DRILLS = drills()
ALERTS = {rule["alert"]: rule["labels"]["kind"] for rule in alert_rules()}


@pytest.mark.drill
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "drill",
    [pytest.param(each, marks=[] if each.ci else pytest.mark.rare) for each in DRILLS.values()],
    ids=DRILLS,
)
def test_a_drill_raises_what_it_lists_and_nothing_else(drill: Drill, tmp_path: Path) -> None:
    outcome = play(drill, tmp_path, print)

    assert outcome.complaints == []


def test_every_drill_has_a_fault_and_every_fault_a_drill() -> None:
    assert FAULTS.keys() == DRILLS.keys()
    assert PREPARATIONS.keys() <= DRILLS.keys()


@pytest.mark.parametrize("drill", DRILLS.values(), ids=DRILLS)
def test_a_drill_names_alerts_that_there_are(drill: Drill) -> None:
    assert ALERTS[drill.cause] == "cause" or drill.cause == "CloudMartAbsent"
    assert {*drill.may_follow} <= ALERTS.keys()
    assert drill.cause not in drill.may_follow


def test_what_a_drill_does_not_list_fails_it() -> None:
    drill = Drill("x", "", "", "CloudMartTablesAway", ["CloudMartOrderingFails"], "table-exists")

    said = drill.complaints(
        ["CloudMartDown"],
        ["CloudMartOrderingFails", "CloudMartThrottled", "CloudMartBrowsingSlow"],
        ["may-read"],
        ["an e-mail is in the log."],
    )

    assert said == [
        "CloudMartDown fired before the fault.",
        "CloudMartTablesAway did not fire.",
        "CloudMartThrottled fired, and the drill does not list it.",
        "cloudmart doctor does not name table-exists.",
        "an e-mail is in the log.",
    ]
