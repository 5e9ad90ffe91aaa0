"""The settings of a process: read once, frozen, nested by what they are about."""

from cloudmart.settings.access import AccessSettings, Algorithm, CustomerOrders, SignInMethod
from cloudmart.settings.ai import (
    AssistantSettings,
    AzureSettings,
    BedrockMode,
    BedrockSettings,
    Effort,
    OpenAISettings,
    OrderTools,
    TicketTools,
)
from cloudmart.settings.consistency import why_disabled
from cloudmart.settings.invariants import InvariantSettings
from cloudmart.settings.limits import LimitSettings
from cloudmart.settings.load import Loaded, load_settings
from cloudmart.settings.log import LogFormat, LogSettings
from cloudmart.settings.model import Environment, Settings
from cloudmart.settings.pipeline import BigQuerySettings, PipelineSettings
from cloudmart.settings.platform import (
    AWSSettings,
    BuildSettings,
    CatalogueSettings,
    CorsSettings,
    DynamoDBSettings,
    DynamoDBTransport,
    Provider,
    SourceSettings,
    StartupSettings,
)
from cloudmart.settings.tracing import TraceSampler, TracingSettings

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
    "CatalogueSettings",
    "CorsSettings",
    "CustomerOrders",
    "DynamoDBSettings",
    "DynamoDBTransport",
    "Effort",
    "Environment",
    "InvariantSettings",
    "LimitSettings",
    "Loaded",
    "LogFormat",
    "LogSettings",
    "OpenAISettings",
    "OrderTools",
    "PipelineSettings",
    "Provider",
    "Settings",
    "SignInMethod",
    "SourceSettings",
    "StartupSettings",
    "TicketTools",
    "TraceSampler",
    "TracingSettings",
    "load_settings",
    "why_disabled",
]
