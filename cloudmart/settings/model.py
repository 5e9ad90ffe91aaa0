"""Everything the process is told from outside, in one value."""

from enum import StrEnum

from pydantic import Field

from cloudmart.settings.formats import Endpoint
from cloudmart.settings.group import Group
from cloudmart.settings.platform import (
    AWSSettings,
    CorsSettings,
    DynamoDBSettings,
    SourceSettings,
    StartupSettings,
)
from cloudmart.settings.vendors import (
    AssistantSettings,
    AzureSettings,
    BedrockSettings,
    BigQuerySettings,
    OpenAISettings,
)


class Environment(StrEnum):
    """Where the process runs; `local` is a person's machine."""

    LOCAL = "local"
    STAGING = "staging"
    PRODUCTION = "production"


class Settings(Group):
    """The settings of a process, read once."""

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
        description="Where the API listens.",
        examples=["5000"],
    )
    metrics_port: int = Field(
        9000,
        validation_alias="METRICS_PORT",
        ge=1,
        le=65535,
        description="Where `/metrics` listens.",
        examples=["9000"],
    )
    public_base_url: Endpoint | None = Field(
        None,
        validation_alias="PUBLIC_BASE_URL",
        description="The shop's address as customers see it; links and documents are made of it.",
        examples=["https://shop.example.com"],
    )
    startup: StartupSettings = Field(default_factory=StartupSettings)
    sources: SourceSettings = Field(default_factory=SourceSettings)
    aws: AWSSettings = Field(default_factory=AWSSettings)
    dynamodb: DynamoDBSettings = Field(default_factory=DynamoDBSettings)
    openai: OpenAISettings = Field(default_factory=OpenAISettings)
    bedrock: BedrockSettings = Field(default_factory=BedrockSettings)
    azure: AzureSettings = Field(default_factory=AzureSettings)
    bigquery: BigQuerySettings = Field(default_factory=BigQuerySettings)
    assistant: AssistantSettings = Field(default_factory=AssistantSettings)
    cors: CorsSettings = Field(default_factory=CorsSettings)
