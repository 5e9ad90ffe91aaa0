"""A pod whose clock is wrong still serves, and health says so."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cloudmart.app import create_app
from cloudmart.settings import Settings
from tests.support.fault_proxy import FaultProxy
from tests.support.ready_app import serving, still


def test_health_says_that_the_clock_was_corrected(
    stocked: Settings, faults: FaultProxy, pytestconfig: pytest.Config
) -> None:
    if pytestconfig.getoption("transport") == "sdk":
        pytest.skip("the SDK corrects no clock")
    faults.ahead = timedelta(minutes=10)
    process = still(stocked)
    later = process.health.rhythm.now() + timedelta(hours=1)

    with serving(create_app(stocked, process=process)) as client:
        answer = client.get("/api/products/1")
        process.health.rhythm = replace(process.health.rhythm, now=lambda: later)
        told = client.get("/health").json()

    assert answer.status_code == 200
    assert told["status"] == "warn"
    (check,) = told["checks"]["clock:skew"]
    assert check["status"] == "warn"
    assert check["output"].startswith("This pod's clock is 10 minutes off")
