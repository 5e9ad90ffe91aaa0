"""The pipeline's status as metrics: what is not known is not a number."""

import math
import time

from cloudmart.observability.metrics import (
    PIPELINE_FAILURES,
    PIPELINE_ITERATOR_AGE,
    PIPELINE_LAG,
    PIPELINE_LOOKED_AT,
    PIPELINE_ORDERS_TODAY,
    PIPELINE_RUNS,
    PIPELINE_UNKNOWN,
)
from cloudmart.pipeline.models import PipelineStatus


def show(status: PipelineStatus) -> None:
    """Set the gauges to a status."""
    mapping = status.mapping
    stream_runs = None if status.stream is None else status.stream == "on"
    PIPELINE_RUNS.labels("stream").set(_number(stream_runs))
    PIPELINE_RUNS.labels("mapping").set(_number(mapping.state == "Enabled" if mapping else None))
    PIPELINE_ITERATOR_AGE.set(_number(mapping.iterator_age_seconds if mapping else None))
    PIPELINE_FAILURES.labels("queued").set(_number(status.failures.queued))
    PIPELINE_FAILURES.labels("quarantined").set(_number(status.failures.quarantined))
    PIPELINE_LAG.set(_number(status.lag_seconds))
    PIPELINE_ORDERS_TODAY.labels("dynamodb").set(_number(status.today.dynamodb))
    PIPELINE_ORDERS_TODAY.labels("bigquery").set(_number(status.today.bigquery))
    PIPELINE_UNKNOWN.set(len(status.unknown))
    PIPELINE_LOOKED_AT.set(time.time())


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
