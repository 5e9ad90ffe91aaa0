"""The settings of a process: read once, frozen, nested by what they are about."""

from cloudmart.settings.access import AccessSettings, Algorithm, CustomerOrders, Way
from cloudmart.settings.limits import LimitSettings
from cloudmart.settings.load import Loaded, load_settings
from cloudmart.settings.model import Environment, Settings
from cloudmart.settings.pipeline import BigQuerySettings, PipelineSettings
from cloudmart.settings.platform import (
    AWSSettings,
    BuildSettings,
    CorsSettings,
    DynamoDBSettings,
    DynamoDBTransport,
    Provider,
    SourceSettings,
    StartupSettings,
)
from cloudmart.settings.providers import why_disabled
from cloudmart.settings.vendors import (
    AssistantSettings,
    AzureSettings,
    BedrockMode,
    BedrockSettings,
    Effort,
    OpenAISettings,
    OrderTools,
)

__all__ = [
    "AWSSettings",
    "AccessSettings",
    "Algorithm",
    "AssistantSettings",
    "AzureSettings",
    "BedrockMode",
    "BedrockSettings",
    "BigQuerySettings",
    "BuildSettings",
    "CorsSettings",
    "CustomerOrders",
    "DynamoDBSettings",
    "DynamoDBTransport",
    "Effort",
    "Environment",
    "LimitSettings",
    "Loaded",
    "OpenAISettings",
    "OrderTools",
    "PipelineSettings",
    "Provider",
    "Settings",
    "SourceSettings",
    "StartupSettings",
    "Way",
    "load_settings",
    "why_disabled",
]
