"""The drills, and their table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cloudmart.doctor.registry import catalogue
from tests.drills.__main__ import main, verdict
from tests.drills.drill import Drill, drills
from tests.drills.faults import FAULTS, PREPARATIONS
from tests.drills.leaks import unlisted_events
from tests.drills.run import DrillOutcome
from tests.support.alert_rules import alert_rules

ROOT = Path(__file__).parents[2]
DRILLS = drills()
ALERTS = {rule["alert"]: rule["labels"]["kind"] for rule in alert_rules()}


@pytest.mark.drill
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if each.ci else pytest.mark.rare)
        for name, each in DRILLS.items()
    ],
)
def test_a_drill_raises_what_it_lists_and_nothing_else(name: str) -> None:
    words = [sys.executable, "-m", "tests.drills", name]

    ended = subprocess.run(  # noqa: S603 - as `make drill` does
        words, cwd=ROOT, check=False, capture_output=True, text=True, timeout=400
    )

    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"
    assert f"The drill {name} passed" in ended.stdout


def test_every_drill_has_a_fault_and_every_fault_a_drill() -> None:
    assert FAULTS.keys() == DRILLS.keys()
    assert PREPARATIONS.keys() <= DRILLS.keys()


@pytest.mark.parametrize("drill", DRILLS.values(), ids=DRILLS)
def test_a_drill_names_alerts_and_a_finding_that_there_are(drill: Drill) -> None:
    assert ALERTS[drill.cause] == "cause" or drill.cause == "CloudMartAbsent"
    assert {*drill.may_follow} <= ALERTS.keys()
    assert drill.finding in catalogue()
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


def test_the_id_of_an_order_is_found_in_an_event_whose_page_does_not_say_so() -> None:
    order = "k7m2p9q4r6t8v3w5"
    log = "\n".join(
        [
            json.dumps({"event": "order_placed", "order_id": order}),
            json.dumps({"event": "batch_carried", "traces": [order]}),
            f"a library says {order}",
            json.dumps({"event": "tokens_not_read", "cause": f"x{order}"}),
        ]
    )

    assert list(unlisted_events(log, [order])) == ["batch_carried", f"a library says {order}"]


def test_without_a_name_the_drills_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(DRILLS)


def test_a_drill_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["earthquake"]) == 2

    assert capsys.readouterr().err == "There is no drill earthquake. These are there:\n"


def test_an_outcome_is_told_in_a_sentence() -> None:
    drill = Drill("x", "", "", "CloudMartTablesAway", ["CloudMartOrderingFails"], "table-exists")

    passed, wrong = DrillOutcome([], [], []), DrillOutcome([], [], ["It did not fire."])
    assert verdict(drill, passed).startswith("The drill x passed: CloudMartTablesAway fired,")
    assert "FAILED" in verdict(drill, wrong)
    assert [drill.role_of(each) for each in (drill.cause, *drill.may_follow, "Other")] == [
        "the cause",
        "may follow",
        "not listed",
    ]
