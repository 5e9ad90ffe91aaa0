"""`python -m bench` works; the load is too small to measure anything."""

import json
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SMALL = ("--engine", "embedded", "--rounds", "1", "--calls", "2", "--connections", "1")


def test_every_route_is_measured_beside_both_ceilings() -> None:
    command = [sys.executable, "-m", "bench", *_SMALL, "--json"]

    run = subprocess.run(  # noqa: S603 - our own command
        command, cwd=_ROOT, check=True, capture_output=True, timeout=60
    )

    findings = json.loads(run.stdout)["findings"]
    subjects = {"CloudMart", "bare FastAPI", "bare aioboto3"}
    assert {case: set(measured) for case, measured in findings.items()} == {
        "GET /api/products": subjects,
        "GET /api/products, If-None-Match": subjects - {"bare aioboto3"},
        "GET /api/products/{id}": subjects,
        "GET /api/orders/user": subjects,
        "GET /api/orders/{id}": subjects | {"bare signed call"},
        "POST /api/orders": subjects | {"bare signed call"},
        "GET /health": subjects - {"bare aioboto3"},
        "GET /ready": subjects - {"bare aioboto3"},
        "GET /startupz": subjects - {"bare aioboto3"},
    }
    rounds = [one for measured in findings.values() for one in measured.values()]
    assert all(len(samples) == 1 for samples in rounds)
    assert all(set(samples[0]) == {"rate", "p50_ms", "p99_ms", "cpu_ms"} for samples in rounds)
    assert all(min(samples[0].values()) > 0 for samples in rounds)
