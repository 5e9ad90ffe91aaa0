"""All settings of the process, in one value."""

from enum import StrEnum

from pydantic import Field

from cloudmart.settings.access import AccessSettings
from cloudmart.settings.ai import AssistantSettings, AzureSettings, BedrockSettings, OpenAISettings
from cloudmart.settings.formats import Addresses, PublicBase, SettingsGroup
from cloudmart.settings.invariants import InvariantSettings
from cloudmart.settings.limits import LimitSettings
from cloudmart.settings.log import LogSettings
from cloudmart.settings.pipeline import BigQuerySettings, PipelineSettings
from cloudmart.settings.platform import (
    AWSSettings,
    BuildSettings,
    CatalogueSettings,
    CorsSettings,
    DynamoDBSettings,
    Provider,
    SourceSettings,
    StartupSettings,
)
from cloudmart.settings.tracing import TracingSettings


class Environment(StrEnum):
    """Where the process runs; `local` is a person's machine."""

    LOCAL = "local"
    STAGING = "staging"
    PRODUCTION = "production"


class Settings(SettingsGroup):
    """The settings of a process, read once.

    It reads nothing itself: `load_settings` merges the sources, and notes which each value is from.
    """

    environment: Environment = Field(
        Environment.PRODUCTION,
        validation_alias="ENVIRONMENT",
        description="Where the process runs: `local`, `staging` or `production`. In local mode "
        "wrong values are warnings.",
        examples=["staging"],
    )
    port: int = Field(
        5000,
        validation_alias="PORT",
        ge=1,
        le=65535,
        description="The port of the API.",
        examples=["5000"],
    )
    metrics_port: int = Field(
        9000,
        validation_alias="METRICS_PORT",
        ge=1,
        le=65535,
        description="The port of `/metrics`.",
        examples=["9000"],
    )
    listen_address: Addresses = Field(
        (),
        validation_alias="LISTEN_ADDRESS",
        description="The addresses for both ports, separated by commas: `0.0.0.0` is all of IPv4, "
        "`::` all of IPv6. Unset means both, as far as the machine has them.",
        examples=["10.0.0.7,fd00::7"],
    )
    public_base_url: PublicBase | None = Field(
        None,
        validation_alias="PUBLIC_BASE_URL",
        description="The shop's address as customers see it. The API document and all links use "
        "this address.",
        examples=["https://shop.example.com"],
    )
    startup: StartupSettings = Field(default=StartupSettings())
    sources: SourceSettings = Field(default=SourceSettings())
    aws: AWSSettings = Field(default=AWSSettings())
    dynamodb: DynamoDBSettings = Field(default=DynamoDBSettings())
    catalogue: CatalogueSettings = Field(default=CatalogueSettings())
    openai: OpenAISettings = Field(default=OpenAISettings())
    bedrock: BedrockSettings = Field(default=BedrockSettings())
    azure: AzureSettings = Field(default=AzureSettings())
    bigquery: BigQuerySettings = Field(default=BigQuerySettings())
    pipeline: PipelineSettings = Field(default=PipelineSettings())
    invariants: InvariantSettings = Field(default=InvariantSettings())
    assistant: AssistantSettings = Field(default=AssistantSettings())
    access: AccessSettings = Field(default=AccessSettings())
    cors: CorsSettings = Field(default=CorsSettings())
    limits: LimitSettings = Field(default=LimitSettings())
    log: LogSettings = Field(default=LogSettings())
    tracing: TracingSettings = Field(default=TracingSettings())
    build: BuildSettings = Field(default=BuildSettings())
    faulty: dict[Provider, str] = Field(
        default={},
        description="Optional providers that are disabled because their settings are wrong, with "
        "the reason.",
    )

    @property
    def public_base(self) -> str | None:
        """The shop's address with no slash at its end, for paths to follow."""
        return self.public_base_url.rstrip("/") if self.public_base_url else None
