"""The status of the pipeline, as the API shows it."""

from typing import Annotated

from pydantic import ConfigDict, Field

from cloudmart.values import ids
from cloudmart.values.model import Model
from cloudmart.values.timestamp import Timestamp


class MappingStatus(Model):
    """The mapping that gives the stream's records to the function."""

    state: str = Field(
        description=(
            "Lambda's name for it (`Enabled`, `Disabled`, `Creating` …), `Missing` if nothing "
            "reads the stream, or `Detached` if the mapping reads a stream that the table had "
            "before."
        )
    )
    last_result: str | None = Field(
        description="The result of the last batch, as Lambda reports it: `OK`, `PROBLEM: …`."
    )
    iterator_age_seconds: float | None = Field(
        description="The age of the records that were read last; the maximum of a minute."
    )


class Failures(Model):
    """The batches and records that the pipeline gave up."""

    queued: int | None = Field(description="Batches that were given up, in the failure queue.")
    quarantined: int | None = Field(
        description="Records that cannot become a row, of which up to 1000 are counted."
    )


class NewestOrder(Model):
    """An order, and when it was created."""

    id: str = Field(description="The order's id.")
    at: Timestamp = Field(description="When it was created.")


class NewestOrders(Model):
    """The order that was created last, as each side knows it."""

    dynamodb: NewestOrder | None = Field(description="In DynamoDB, within the last 31 days.")
    bigquery: NewestOrder | None = Field(description="In BigQuery, also if it was removed since.")


class OrderCounts(Model):
    """How many of the orders that were created today (UTC) each side has."""

    dynamodb: int | None = Field(description="In DynamoDB.")
    bigquery: int | None = Field(description="In BigQuery, without those that were removed.")


class Unknown(Model):
    """A value that is unknown."""

    what: str = Field(description="A path in this answer.")
    why: str = Field(description="The reason, in a sentence.")


Stream = Annotated[
    str | None,
    Field(description="`on`, `off`, or its view if that is the wrong one."),
]


class PipelineStatus(Model):
    """How orders get from DynamoDB to BigQuery.

    A value of null is not known, and `unknown` says why.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stream": "on",
                    "mapping": {"state": "Enabled", "lastResult": "OK", "iteratorAgeSeconds": 0.4},
                    "failures": {"queued": 0, "quarantined": 0},
                    "newest": {
                        "dynamodb": {"id": ids.ORDER, "at": "2026-11-23T08:00:00.000Z"},
                        "bigquery": {"id": ids.ORDER, "at": "2026-11-23T08:00:00.000Z"},
                    },
                    "lagSeconds": 0,
                    "today": {"dynamodb": 128, "bigquery": 128},
                    "unknown": [],
                }
            ]
        }
    )

    stream: Stream
    mapping: MappingStatus | None = Field(description="What reads the stream.")
    failures: Failures = Field(description="What the pipeline gave up.")
    newest: NewestOrders = Field(description="The order that was created last, on both sides.")
    lag_seconds: float | None = Field(
        description=(
            "The age of the oldest order that BigQuery lacks, among those of the last two days, or "
            "since its newest order if that is older. 0 if it lacks none."
        )
    )
    today: OrderCounts = Field(description="Orders that were created today (UTC).")
    unknown: list[Unknown] = Field(description="The values that are unknown.")
