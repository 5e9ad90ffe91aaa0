"""`make bench-compare`, with written runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bench.cases import cases
from bench.compare import BASELINE, app
from bench.servers import Server

_CASE = "GET /x"
_BARE = [{"rate": 1000.0, "p50_ms": 1.0, "p99_ms": 2.0, "cpu_ms": 0.5}] * 8
_USUAL = (1.0, 1.02, 0.98, 1.05, 0.95, 1.01, 0.99, 1.03)


def _run(cpu: float = 1.0, rate: float = 500.0, spread: tuple[float, ...] = _USUAL) -> Any:  # noqa: ANN401
    """Return a run whose rounds differ by the given values."""
    ours = [
        {"rate": rate / factor, "p50_ms": 1.0, "p99_ms": 2.0, "cpu_ms": cpu * factor}
        for factor in spread
    ]
    return {"findings": {_CASE: {"CloudMart": ours, "bare FastAPI": _BARE}}}


def _compare(folder: Path, before: Any, now: Any, *options: str) -> Result:  # noqa: ANN401
    paths = folder / "before.json", folder / "now.json"
    for path, run in zip(paths, (before, now), strict=True):
        path.write_text(json.dumps(run), encoding="utf-8")
    baseline, result = map(str, paths)
    return CliRunner().invoke(app, ["--baseline", baseline, "--result", result, *options])


def test_the_same_is_not_a_regression(tmp_path: Path) -> None:
    result = _compare(tmp_path, _run(), _run())

    assert result.exit_code == 0
    assert "Worse" not in result.output


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (_run(cpu=1.2), "CPU divided by that of bare FastAPI: 2.01 before, 2.41 now."),
        (_run(rate=400), "requests/s divided by that of bare FastAPI: 0.498 before, 0.398 now."),
    ],
)
def test_a_regression_is_named(now: Any, said: str, tmp_path: Path) -> None:  # noqa: ANN401
    result = _compare(tmp_path, _run(), now)

    assert result.exit_code == 1
    assert f"Worse beyond noise: {_CASE}, {said}" in result.output


def test_what_became_better_is_not_a_regression(tmp_path: Path) -> None:
    assert _compare(tmp_path, _run(), _run(cpu=0.5, rate=900)).exit_code == 0


def test_a_median_that_moved_within_the_rounds_spread_is_noise(tmp_path: Path) -> None:
    noisy = (0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8)

    assert _compare(tmp_path, _run(spread=noisy), _run(cpu=1.2, spread=noisy)).exit_code == 0


def test_a_steady_change_of_less_than_a_tenth_is_noise(tmp_path: Path) -> None:
    assert _compare(tmp_path, _run(spread=(1.0,) * 8), _run(1.09, 459, (1.0,) * 8)).exit_code == 0


def test_a_slower_machine_is_not_a_regression(tmp_path: Path) -> None:
    slower = _run(cpu=2.0, rate=250)
    slower["findings"][_CASE]["bare FastAPI"] = [
        one | {"rate": 500.0, "cpu_ms": 1.0} for one in _BARE
    ]

    assert _compare(tmp_path, _run(), slower).exit_code == 0


def test_json_has_all_that_was_compared(tmp_path: Path) -> None:
    now = _run(cpu=1.5)
    now["findings"]["GET /new"] = now["findings"][_CASE]

    result = _compare(tmp_path, _run(), now, "--json")

    told = json.loads(result.output)
    assert result.exit_code == 1
    assert [(one["measure"], one["worse"]) for one in told["compared"]] == [
        ("cpu_ms", True),
        ("rate", False),
    ]
    assert told["not_compared"] == ["GET /new"]


def test_nothing_to_compare_is_a_failure(tmp_path: Path) -> None:
    result = _compare(tmp_path, _run(), {"findings": {}})

    assert result.exit_code == 1
    assert "only one of the runs has it: GET /x" in result.output


def test_the_committed_run_has_every_case() -> None:
    servers = {
        name: Server("http://127.0.0.1", 1)
        for name in ("CloudMart", "bare FastAPI", "bare signed call")
    }

    committed = json.loads(BASELINE.read_text(encoding="utf-8"))["findings"]

    assert {case: list(rounds) for case, rounds in committed.items()} == {
        case.name: list(case.loads) for case in cases(servers)
    }
