"""The Lambda that sends orders from their table's stream to BigQuery.

`handler` is what the function's configuration names.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

# The slowest of what a batch needs, loaded while Lambda starts the process and bills no memory's
# share of a CPU. The rest waits for the first batch: docs/decisions/lambda-start.md.
import google.cloud.bigquery  # noqa: F401

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cloudmart.pipeline.carry.carrier import Carrier


def handler(event: Mapping[str, Any], context: "LambdaContext") -> "PartialItemFailureResponse":
    """Send a batch, and return which records must come again, in Lambda's form."""
    from cloudmart.pipeline.carry.carrier import carry_batch  # noqa: PLC0415 - as above

    return carry_batch(_carrier(), event, context)


@cache
def _carrier() -> "Carrier":
    from cloudmart.observability.logging import configure_logging  # noqa: PLC0415
    from cloudmart.pipeline.carry.carrier import open_carrier  # noqa: PLC0415

    configure_logging(json=True)
    return open_carrier(os.environ)
