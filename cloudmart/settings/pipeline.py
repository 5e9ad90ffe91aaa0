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
        description="The Google Cloud project of the dataset.",
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
        description="The file with Google's credentials: the configuration of a workload "
        "identity, or the key of a service account.",
        examples=["/var/run/secrets/google/credentials.json"],
    )
    emulator: Endpoint | None = Field(
        None,
        validation_alias="BIGQUERY_EMULATOR_HOST",
        description="The address of an emulator to use in place of Google, without credentials.",
        examples=["http://127.0.0.1:9050"],
    )


class PipelineSettings(SettingsGroup):
    """The order pipeline to BigQuery."""

    quarantine_bucket: BucketName | None = Field(
        None,
        validation_alias="PIPELINE_QUARANTINE_BUCKET",
        description="The S3 bucket for records that cannot become a row, with the reason.",
        examples=["the output QuarantineBucket of the pipeline's stack"],
    )
    function: FunctionName | None = Field(
        None,
        validation_alias="PIPELINE_FUNCTION",
        description="The Lambda function that sends orders to BigQuery. The pipeline's status "
        "asks about it.",
        examples=["cloudmart-dynamodb-to-bigquery-production"],
    )
    failure_queue: Endpoint | None = Field(
        None,
        validation_alias="PIPELINE_FAILURE_QUEUE",
        description="The address of the SQS queue for batches that the function gave up.",
        examples=["the output FailureQueue of the pipeline's stack"],
    )
    heartbeat: int = Field(
        0,
        validation_alias="PIPELINE_HEARTBEAT",
        ge=0,
        le=86_400,
        description="Seconds between two heartbeats of the pipeline. One pod sends each. 0 means "
        "none.",
        examples=["300"],
    )
