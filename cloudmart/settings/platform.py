"""Settings of what the process runs on: AWS, the tables, Kubernetes, the browser."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field

from cloudmart.settings.formats import (
    Listed,
    Origins,
    Region,
    Release,
    RoleArn,
    SecretId,
    SettingsGroup,
    TableName,
)


class Provider(StrEnum):
    """An optional provider. If it is not configured, it is disabled with a reason."""

    OPENAI = "openai"
    BEDROCK = "bedrock"
    AZURE = "azure"
    BIGQUERY = "bigquery"


class AWSSettings(SettingsGroup):
    """AWS: the region and the role."""

    region: Region | None = Field(
        None,
        validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"),
        description="The region of the tables. It is also Bedrock's region, unless BEDROCK_REGION "
        "is set.",
        examples=["eu-central-1"],
    )
    role_arn: RoleArn | None = Field(
        None,
        validation_alias="AWS_ROLE_ARN",
        description="The role of the pod's ServiceAccount. EKS sets it, and health compares it "
        "with the identity that AWS sees.",
        examples=["arn:aws:iam::…:role/cloudmart-eks-pod-role"],
    )


class DynamoDBTransport(StrEnum):
    """How operations on items reach DynamoDB."""

    DIRECT = "direct"
    SDK = "sdk"


class DynamoDBSettings(SettingsGroup):
    """The DynamoDB tables."""

    products_table: TableName = Field(
        "cloudmart-products",
        validation_alias="DYNAMODB_PRODUCTS_TABLE",
        description="The table of products.",
        examples=["cloudmart-products"],
    )
    orders_table: TableName = Field(
        "cloudmart-orders",
        validation_alias="DYNAMODB_ORDERS_TABLE",
        description="The table of orders.",
        examples=["cloudmart-orders"],
    )
    tickets_table: TableName = Field(
        "cloudmart-tickets",
        validation_alias="DYNAMODB_TICKETS_TABLE",
        description="The table of support tickets.",
        examples=["cloudmart-tickets"],
    )
    conversations_table: TableName = Field(
        "cloudmart-conversations",
        validation_alias=AliasChoices("DYNAMODB_CONVERSATIONS_TABLE", "CONVERSATIONS_TABLE"),
        description="The table of the assistants' conversations.",
        examples=["cloudmart-conversations"],
    )
    transport: DynamoDBTransport = Field(
        DynamoDBTransport.DIRECT,
        validation_alias="DYNAMODB_TRANSPORT",
        description="How the service reads and writes items. `direct` signs and sends requests "
        "without the layers of AWS's SDK, at a quarter of their cost. `sdk` uses the "
        "SDK, in case `direct` has a fault.",
        examples=["sdk"],
    )
    timeout: float = Field(
        3.5,
        validation_alias="DYNAMODB_TIMEOUT",
        ge=1,
        le=60,
        description="How many seconds a call of DynamoDB may take, with its retry, before the "
        "request gets 503. Checks of health wait a little less. In local mode the "
        "default is 30, because the embedded DynamoDB may be slow.",
        examples=["3.5"],
    )


class CatalogueSettings(SettingsGroup):
    """The copy of the products in memory."""

    ttl: float = Field(
        2,
        validation_alias="CATALOGUE_TTL",
        ge=0,
        le=60,
        description="Seconds for which products are answered from memory before the table is read "
        "again. Changes by other processes are seen after this time. 0 reads the table each time.",
        examples=["2"],
    )
    max_stale: float = Field(
        300,
        validation_alias="CATALOGUE_MAX_STALE",
        ge=0,
        le=86_400,
        description="Seconds for which customers can still look at products while DynamoDB is "
        "away. Orders are never priced from a copy older than CATALOGUE_TTL.",
        examples=["300"],
    )


class StartupSettings(SettingsGroup):
    """The start and the end of the process."""

    timeout: float = Field(
        120,
        validation_alias="STARTUP_TIMEOUT",
        gt=0,
        le=3600,
        description="How many seconds the start may wait for credentials, secrets and tables. "
        "Then the process ends with exit code 1.",
        examples=["120"],
    )
    shutdown_grace: float = Field(
        55,
        validation_alias="SHUTDOWN_GRACE",
        ge=0,
        le=3600,
        description="How many seconds running requests get to finish after SIGTERM.",
        examples=["55"],
    )
    degraded: bool = Field(
        default=False,
        validation_alias="DEGRADED_START",
        description="Start even if an optional provider is configured wrongly. That provider is "
        "then disabled.",
        examples=["true"],
    )
    required_providers: Annotated[tuple[Provider, ...], Listed] = Field(
        (),
        validation_alias="REQUIRED_PROVIDERS",
        description="Providers that must be configured for a start, separated by commas: openai, "
        "bedrock, azure, bigquery.",
        examples=["openai,azure"],
    )
    restart_on_stale_config: bool = Field(
        default=False,
        validation_alias="RESTART_ON_STALE_CONFIG",
        description="Whether the process ends some minutes after the cluster's configuration has "
        "become newer than its own.",
        examples=["true"],
    )


class SourceSettings(SettingsGroup):
    """Other sources of settings."""

    secrets_dir: Path | None = Field(
        None,
        validation_alias="CLOUDMART_SECRETS_DIR",
        description="A directory with a file for each variable. Kubernetes mounts a Secret like "
        "this.",
        examples=["/var/run/secrets/cloudmart"],
    )
    secret_id: SecretId | None = Field(
        None,
        validation_alias="CLOUDMART_SECRET_ID",
        description="A secret of AWS Secrets Manager: a JSON object with variables as keys.",
        examples=["cloudmart/production"],
    )
    config_dir: Path | None = Field(
        None,
        validation_alias="CLOUDMART_CONFIG_DIR",
        description="The mounted copy of the ConfigMap. The process compares it with its own "
        "configuration.",
        examples=["/etc/cloudmart"],
    )


class BuildSettings(SettingsGroup):
    """The release. An image sets these."""

    version: Release | None = Field(
        None,
        validation_alias="CLOUDMART_VERSION",
        description="The release that health and metrics show. Unset means the package's version.",
        examples=["1.4.0"],
    )
    commit: Release | None = Field(
        None,
        validation_alias="CLOUDMART_COMMIT",
        description="The commit that health and metrics show.",
        examples=["9fceb02d0ae598e95dc970b74767f19372d61af8"],
    )
    rollout: Release | None = Field(
        None,
        validation_alias="ROLLOUT_ID",
        description="The roll-out that started this pod. `cloudmart rollout` sets it, and then "
        "looks for it in the health that it sees from outside.",
        examples=["5f2a9c01d7be"],
    )


class CorsSettings(SettingsGroup):
    """Web pages of other origins."""

    allowed_origins: Origins = Field(
        (),
        validation_alias="CORS_ALLOWED_ORIGINS",
        description="Origins whose pages may call the API, separated by commas. `*` (any) works "
        "in local mode only.",
        examples=["https://shop.example.com"],
    )
