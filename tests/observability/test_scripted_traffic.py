"""Scripted traffic leaves every metric at a value computed beforehand; none is left out."""

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from cloudmart.observability.metrics import UNITS
from cloudmart.settings import Settings
from tests.observability.traffic_script import (
    GAUGES,
    Samples,
    counts,
    key,
    play_script,
    prepare,
    scripted_app,
    wait_for_checks,
)
from tests.support.ready_app import serving

ROOT = Path(__file__).parents[2]

ELSEWHERE = {
    "cloudmart_overloaded": "tests/rates/test_admission.py",
    "cloudmart_rate_limited": "tests/rates/test_limiting.py",
    "cloudmart_rate_limits_shared": "tests/rates/test_redis_counter.py",
    "cloudmart_answers_cut_off": "tests/hostile/test_slow_clients.py",
    "cloudmart_lists_broken_off": "tests/http/test_streaming.py",
    "cloudmart_sign_ins": "tests/access/test_sign_in_metrics.py",
    "cloudmart_catalogue_stale_answers": "tests/products/test_catalogue_over_http.py",
    "cloudmart_dynamodb_consumed_capacity": "tests/dynamodb/test_call_metrics.py",
    "cloudmart_dynamodb_retries": "tests/dynamodb/test_call_metrics.py",
    "cloudmart_index_fallbacks": "tests/dynamodb/test_lookup.py",
    "cloudmart_ai_unpriced_requests": "tests/ai/test_metrics.py",
    "cloudmart_provider_refusals": "tests/ai/providers/test_provider_call.py",
    "cloudmart_provider_retries": "tests/ai/providers/test_provider_call.py",
    "cloudmart_ai_order_changes": "tests/ai/order_changes/test_confirmation.py",
    "cloudmart_ai_tickets": "tests/ai/test_ticket_requests.py",
    "cloudmart_startup_waits": "tests/health/test_startup.py",
    "cloudmart_credentials_expiry_timestamp_seconds": "tests/composition/test_process_metrics.py",
    "cloudmart_identity_mismatch": "tests/health/test_identity.py",
    "cloudmart_configuration_stale": "tests/health/test_configuration_drift.py",
    "cloudmart_event_loop_lag_seconds": "tests/composition/test_process_metrics.py",
    "cloudmart_memory_limit_bytes": "tests/composition/test_process_metrics.py",
    "cloudmart_unreadable_items_lately": "tests/values/test_unreadable.py",
    "cloudmart_assistant_prompt_info": "tests/ai/test_prompts.py",
    "cloudmart_spans": "tests/composition/test_trace_export.py",
    "cloudmart_pipeline_runs": "tests/pipeline/test_status.py",
    "cloudmart_pipeline_lag_seconds": "tests/pipeline/test_status.py",
    "cloudmart_pipeline_iterator_age_seconds": "tests/pipeline/test_status.py",
    "cloudmart_pipeline_failures": "tests/pipeline/test_status.py",
    "cloudmart_pipeline_heartbeat_seconds": "tests/pipeline/test_heartbeat.py",
    "cloudmart_pipeline_heartbeats": "tests/pipeline/test_heartbeat.py",
    "cloudmart_invariant_violations": "tests/pipeline/test_invariants.py",
    "cloudmart_invariant_checked_timestamp_seconds": "tests/pipeline/test_invariants.py",
    "cloudmart_invariant_checks": "tests/pipeline/test_invariants.py",
    "cloudmart_invariant_read_units": "tests/pipeline/test_invariants.py",
}
"""Metrics that need a fault, another machine or a whole pipeline, and the tests that cover them."""

KINDS = {"cloudmart_startup_seconds", "cloudmart_catalogue_age_seconds"}
"""Gauges that tell a time, of which only the sign is known beforehand."""
ONES = {"cloudmart_build_info", "cloudmart_configuration_info"}
ASKED = {"cloudmart_pipeline_unknown", "cloudmart_pipeline_looked_at_timestamp_seconds"}


def samples() -> Samples:
    """Return all of our samples; of histograms only their counts."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        if family.name.startswith("cloudmart_")
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_sum", "_created"))
    }


def test_scripted_traffic_leaves_each_metric_at_its_value(
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    prepared = prepare(settings, dynamodb)
    app = scripted_app(prepared)
    fresh = samples()

    with serving(app) as client:
        wait_for_checks(prepared.dynamodb)
        before = samples()
        status = play_script(client)
        after = samples()

    names = prepared.dynamodb
    expected = counts(names.products_table, names.orders_table)
    # The service reads the products at its start, before any request.
    read = key("catalogue_reads_total", outcome="changed")
    before[read] = fresh.get(read, 0)
    found = {each: after.get(each, 0) - before.get(each, 0) for each in expected}
    assert found == pytest.approx(expected)
    assert {each: after[each] for each in GAUGES} == pytest.approx(GAUGES)
    assert after[key("pipeline_unknown")] == len(status["unknown"])
    assert after[key("pipeline_looked_at_timestamp_seconds")] > 0
    for name in KINDS:
        assert after[name, frozenset()] >= 0, name
    assert {value for (name, _), value in after.items() if name in ONES} == {1}


def test_no_metric_is_left_out() -> None:
    scripted = {name for name, _ in (*counts("", ""), *GAUGES)} | KINDS | ONES | ASKED
    scripted = {name.removesuffix("_total").removesuffix("_count") for name in scripted}
    declared = {metric._name for metric in UNITS}  # noqa: SLF001 - told nowhere else

    assert scripted | ELSEWHERE.keys() == declared
    assert not scripted & ELSEWHERE.keys()
    assert all((ROOT / place).is_file() for place in ELSEWHERE.values())


def test_no_word_of_a_caller_is_a_label() -> None:
    labels = {value for _, labels in samples() for _, value in labels}

    assert not [each for each in labels if "@" in each or "secret" in each or each == "ANYTHING"]
