"""What the pipeline's Lambda does with a batch, and what it needs for that."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import structlog
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudmart.pipeline.bigquery import open_warehouse
from cloudmart.pipeline.carrier import Carrier
from cloudmart.pipeline.quarantine_intake import S3QuarantineIntake
from cloudmart.pipeline.records import event_id
from cloudmart.settings import Settings, load_settings

_GROUPS = {"bigquery", "pipeline"}

_log = structlog.stdlib.get_logger(__name__)


class WaitingError(Exception):
    """A record has to come again."""


def answer(
    carrier: Carrier, event: Mapping[str, Any], context: LambdaContext | None = None
) -> PartialItemFailureResponse:
    """Carry a batch, and return which records have to come again, in Lambda's form."""
    outcome = carrier.carry(event["Records"])
    _log.info(
        "batch_carried",
        records=outcome.records,
        inserted=outcome.inserted,
        skipped=outcome.skipped,
        quarantined=outcome.quarantined,
        waiting=len(outcome.waiting),
        reasons=sorted(set(outcome.waiting.values())),
    )

    def settle(record: DynamoDBRecord) -> None:
        event = event_id(record.raw_event)
        if event in outcome.waiting:
            raise WaitingError(outcome.waiting[event])

    processor = BatchProcessor(EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)
    return process_partial_response(
        event=dict(event), record_handler=settle, processor=processor, context=context
    )


def open_carrier(environ: Mapping[str, str]) -> Carrier:
    """Return a carrier between what an environment names, for as long as the process is.

    Raises:
        ValueError: a setting is missing, or not what it should be.
    """
    settings = _settings(environ)
    if settings.pipeline.quarantine_bucket is None:
        msg = "PIPELINE_QUARANTINE_BUCKET is not set"
        raise ValueError(msg)
    # Nobody tells a Lambda's process of its end.
    warehouse = ExitStack().enter_context(open_warehouse(settings.bigquery))
    return Carrier(warehouse, S3QuarantineIntake(settings.pipeline.quarantine_bucket))


def _settings(environ: Mapping[str, str]) -> Settings:
    loaded = load_settings(environ)
    # What the service cannot start without is no matter of the Lambda's.
    ours = [fault for fault in loaded.report.refusals if fault.variable.group in _GROUPS]
    if ours:
        raise ValueError(" ".join(fault.sentence for fault in ours))
    return loaded.settings
