"""Settings of the order pipeline: BigQuery, and what carries orders there."""

from pathlib import Path

from pydantic import Field

from cloudmart.settings.formats import (
    BigQueryTableId,
    BucketName,
    DatasetId,
    Endpoint,
    FunctionName,
    ProjectId,
    SettingsGroup,
)


class BigQuerySettings(SettingsGroup):
    """BigQuery, where orders go for analysis."""

    project_id: ProjectId | None = Field(
        None,
        validation_alias="GOOGLE_CLOUD_PROJECT_ID",
        description="The Google Cloud project that holds the dataset.",
        examples=["the project's id, from Google Cloud's console"],
    )
    dataset_id: DatasetId | None = Field(
        None,
        validation_alias="BIGQUERY_DATASET_ID",
        description="The dataset.",
        examples=["cloudmart"],
    )
    table_id: BigQueryTableId | None = Field(
        None,
        validation_alias="BIGQUERY_TABLE_ID",
        description="The table of orders.",
        examples=["cloudmart-orders"],
    )
    credentials: Path | None = Field(
        None,
        validation_alias="GOOGLE_APPLICATION_CREDENTIALS",
        description="The file with Google's credentials: a workload identity's configuration or a "
        "service account's key.",
        examples=["/var/run/secrets/google/credentials.json"],
    )
    emulator: Endpoint | None = Field(
        None,
        validation_alias="BIGQUERY_EMULATOR_HOST",
        description="The address of an emulator that serves instead of Google, without "
        "credentials.",
        examples=["http://127.0.0.1:9050"],
    )


class PipelineSettings(SettingsGroup):
    """The way of orders from their table to BigQuery."""

    quarantine_bucket: BucketName | None = Field(
        None,
        validation_alias="PIPELINE_QUARANTINE_BUCKET",
        description="The S3 bucket that keeps what cannot become a row, with the reason.",
        examples=["the output QuarantineBucket of the pipeline's stack"],
    )
    function: FunctionName | None = Field(
        None,
        validation_alias="PIPELINE_FUNCTION",
        description="The Lambda function that carries orders; the pipeline's status asks about it.",
        examples=["cloudmart-dynamodb-to-bigquery-production"],
    )
    failure_queue: Endpoint | None = Field(
        None,
        validation_alias="PIPELINE_FAILURE_QUEUE",
        description="The address of the SQS queue that gets what the function gave up.",
        examples=["the output FailureQueue of the pipeline's stack"],
    )
    heartbeat: int = Field(
        0,
        validation_alias="PIPELINE_HEARTBEAT",
        ge=0,
        le=86_400,
        description="Seconds between two heartbeats of the pipeline, of which one pod sends each; "
        "0 means none.",
        examples=["300"],
    )
