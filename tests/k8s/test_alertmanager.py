"""The sample for Alertmanager: one fault is one message, and two faults are two."""

import time
from pathlib import Path

import pytest

from tests.drills.drill import Drill, drills
from tests.support.alert_rules import MONITORING, alert_rules
from tests.support.alertmanager import PATIENCE, Told, alertmanager, send
from tests.support.prometheus import ran

pytestmark = pytest.mark.prometheus


def test_alertmanager_takes_the_sample() -> None:
    ended = ran("amtool", "check-config", "alertmanager.yaml", within=MONITORING)

    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("firing", "night", "day"),
    [
        (
            ["CloudMartIdentityFails", "CloudMartTablesAway", "CloudMartOrderingFails"],
            {"CloudMartIdentityFails"},
            set(),
        ),
        (
            ["CloudMartThrottled", "CloudMartTablesAway", "CloudMartBrowsingFails"],
            {"CloudMartThrottled"},
            set(),
        ),
        (
            ["CloudMartTablesAway", "CloudMartOrderingFails", "CloudMartServiceFails"],
            {"CloudMartTablesAway"},
            set(),
        ),
        (["CloudMartProviderRefuses", "CloudMartChatsFail"], {"CloudMartProviderRefuses"}, set()),
        # A provider's fault does not silence alerts about orders.
        (
            ["CloudMartProviderRefuses", "CloudMartChatsFail", "CloudMartOrderingFails"],
            {"CloudMartProviderRefuses", "CloudMartOrderingFails"},
            set(),
        ),
        (
            ["CloudMartPipelineGaveUp", "CloudMartPipelineLags"],
            set(),
            {"CloudMartPipelineGaveUp"},
        ),
        (["CloudMartAbsent", "CloudMartStartWaits"], {"CloudMartAbsent"}, set()),
        (
            ["CloudMartDown", "CloudMartOrderingFails", "CloudMartStartWaits"],
            {"CloudMartDown"},
            {"CloudMartStartWaits"},
        ),
        (["CloudMartConfigurationStale"], set(), {"CloudMartConfigurationStale"}),
    ],
    ids=lambda each: "+".join(each) if isinstance(each, list) else "",
)
def test_one_fault_is_one_message(
    firing: list[str], night: set[str], day: set[str], tmp_path: Path
) -> None:
    labels = [
        rule["labels"] | {"alertname": rule["alert"], "namespace": "default"}
        for rule in alert_rules()
        if rule["alert"] in firing
    ]

    with alertmanager(tmp_path) as (url, told):
        send(url, labels)
        settle(told, night, day)

    assert told.night == ([night] if night else [])
    assert told.day == ([day] if day else [])


@pytest.mark.parametrize("drill", drills().values(), ids=drills())
def test_each_fault_of_a_drill_sends_one_alert(drill: Drill, tmp_path: Path) -> None:
    raised = {drill.cause, *drill.may_follow}
    labels = [
        rule["labels"] | {"alertname": rule["alert"], "namespace": "default"}
        for rule in alert_rules()
        if rule["alert"] in raised
    ]

    with alertmanager(tmp_path) as (url, told):
        send(url, labels)
        deadline = time.monotonic() + PATIENCE
        while not (told.night or told.day) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.5)

    assert [len(names) for names in told.night] in ([], [1])
    assert {drill.cause} in (told.night or told.day) or drill.cause in told.day[0]


def test_one_environment_silences_nothing_of_another(tmp_path: Path) -> None:
    cause = {"severity": "critical", "kind": "cause", "hits": "shop"}
    symptom = {"severity": "critical", "kind": "symptom", "hits": "shop"}

    with alertmanager(tmp_path) as (url, told):
        send(
            url,
            [
                cause | {"alertname": "CloudMartTablesAway", "namespace": "cloudmart-staging"},
                symptom | {"alertname": "CloudMartOrderingFails", "namespace": "default"},
            ],
        )
        settle(told, {"CloudMartOrderingFails"}, {"CloudMartTablesAway"})

    assert told == Told([{"CloudMartOrderingFails"}], [{"CloudMartTablesAway"}])


def settle(told: Told, night: set[str], day: set[str]) -> None:
    """Wait for all expected messages, and then for messages that should not come."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and (bool(night), bool(day)) != (
        bool(told.night),
        bool(told.day),
    ):
        time.sleep(0.05)
    time.sleep(1.5)
