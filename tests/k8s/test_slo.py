"""The promises to customers: each promise's alerts fire if it is broken, and only then."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from cloudmart.observability.metrics import REQUESTS
from k8s.alerts.objective import ChatShare, GaugeShare, Objective, RequestShare, objectives
from tests.support.alert_rules import groups
from tests.support.prometheus import ran

PROMISES = list(objectives())
NAMES = [each.name for each in PROMISES]
OPENAPI = Path(__file__).parents[2] / "openapi" / "openapi.json"
# Customers do not notice these, or they report about the service: /health and the like.
WITHOUT_PROMISE = {
    "GET /.well-known/api-catalog",
    "GET /api",
    "GET /api/pipeline/status",
    "GET /api/problems",
    "GET /api/problems/{code}",
    "GET /health",
    "GET /ready",
    "GET /startupz",
    # They are counted by the end of the message, not by the status.
    "POST /api/ai/bedrock/message",
    "POST /api/ai/message",
    "POST /api/ai/analyze-sentiment",
}
MINUTES = 8 * 60
_HTTP = "cloudmart_http_request_duration_seconds"
_CHATS = "cloudmart_chat_turns_total"


def test_every_route_has_one_promise_or_a_reason_to_have_none() -> None:
    document = json.loads(OPENAPI.read_text("utf-8"))
    operations = [
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    ]

    promised = [
        operation
        for promise in PROMISES
        if isinstance(promise.measure, RequestShare) and promise.measure.seconds is None
        for operation in operations
        if operation.split()[0] in promise.measure.methods.split("|")
        and operation.split()[1] in promise.measure.routes
    ]

    assert sorted([*promised, *WITHOUT_PROMISE]) == sorted(operations)


@pytest.mark.parametrize("promise", PROMISES, ids=NAMES)
def test_a_time_is_one_that_the_histogram_has(promise: Objective) -> None:
    if not isinstance(promise.measure, RequestShare) or promise.measure.seconds is None:
        return

    (buckets,) = {tuple(REQUESTS._upper_bounds)}  # noqa: SLF001 - no public way

    assert promise.measure.seconds in buckets


@pytest.mark.prometheus
@pytest.mark.parametrize("promise", PROMISES, ids=NAMES)
def test_a_promise_that_is_broken_fires_as_fast_as_it_matters(
    promise: Objective, tmp_path: Path
) -> None:
    shares = [promise.budget / 2, promise.budget * 2, promise.budget * 20]

    kept, slowly, fast = fired(tmp_path, promise, [series(promise, share) for share in shares])

    assert kept == set()
    assert slowly == {"warning"}
    assert fast == {"critical", "warning"}


@pytest.mark.prometheus
@pytest.mark.parametrize("promise", [each for each in PROMISES if each.failures], ids=str)
def test_a_few_failures_in_a_quiet_night_do_not_fire(promise: Objective, tmp_path: Path) -> None:
    half = dict(series(promise, 0.5, each=(promise.failures - 1) / 2 / MINUTES))

    (found,) = fired(tmp_path, promise, [half.items()])

    assert found == set()


def series(promise: Objective, share: float, each: float = 10_000) -> Iterator[tuple[str, str]]:
    """Yield series in which a share breaks a promise. Counters get this many events a minute."""
    measure = promise.measure
    if isinstance(measure, GaugeShare):
        every = round(1 / share)
        lags = ["999" if minute % every == 0 else "1" for minute in range(MINUTES)]
        yield f'{measure.looked_at}{{namespace="default"}}', f"0+60x{MINUTES}"
        yield f'{measure.gauge}{{namespace="default"}}', " ".join(lags)
        return
    bad, well = each * share, each * (1 - share)
    if isinstance(measure, ChatShare):
        yield f'{_CHATS}{{namespace="default", outcome="{measure.outcomes[0]}"}}', _growing(bad)
        yield f'{_CHATS}{{namespace="default", outcome="answered"}}', _growing(well)
        return
    method = measure.methods.split("|", maxsplit=1)[0]
    chosen = f'namespace="default", method="{method}", route="{measure.routes[0]}"'
    if measure.seconds is None:
        yield f'{_HTTP}_count{{{chosen}, status="503"}}', _growing(bad)
        yield f'{_HTTP}_count{{{chosen}, status="200"}}', _growing(well)
    else:
        quick = f'status="200", le="{float(measure.seconds)}"'
        yield f'{_HTTP}_count{{{chosen}, status="200"}}', _growing(each)
        yield f"{_HTTP}_bucket{{{chosen}, {quick}}}", _growing(well)


def _growing(each: float) -> str:
    return f"0+{each:.6f}x{MINUTES}"


def fired(
    directory: Path, promise: Objective, worlds: Sequence[Iterable[tuple[str, str]]]
) -> list[set[str]]:
    """Return the severities at which a promise's alert fires, for each set of series."""
    rules = [
        rule
        for group in groups()
        for rule in group["rules"]
        if rule.get("labels", {}).get("slo") == promise.name
    ]
    written = yaml.safe_dump({"groups": [{"name": "slo", "rules": rules}]})
    (directory / "rules.yaml").write_text(written, "utf-8")
    return [_fired(directory, world) for world in worlds]


def _fired(directory: Path, world: Iterable[tuple[str, str]]) -> set[str]:
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in world],
        "promql_expr_test": [
            {
                "expr": 'ALERTS{alertstate="firing"}',
                "eval_time": f"{MINUTES - 5}m",
                "exp_samples": [],
            }
        ],
    }
    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "5m", "tests": [test]}
    (directory / "tests.yaml").write_text(yaml.safe_dump(tests), "utf-8")
    ended = ran("promtool", "test", "rules", "tests.yaml", within=directory)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0 or "got:" in said, said
    return set(re.findall(r'severity="(\w+)"', said))
