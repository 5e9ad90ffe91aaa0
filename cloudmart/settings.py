"""The settings of a process: read once, frozen, nested by what they are about."""

from enum import StrEnum

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Environment(StrEnum):
    """Where the process runs; `local` is a person's machine."""

    LOCAL = "local"
    STAGING = "staging"
    PRODUCTION = "production"


class _Group(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")


class DynamoDBSettings(_Group):
    """The tables, and how long a call to them may take."""

    products_table: str = Field("cloudmart-products", validation_alias="DYNAMODB_PRODUCTS_TABLE")
    orders_table: str = Field("cloudmart-orders", validation_alias="DYNAMODB_ORDERS_TABLE")
    tickets_table: str = Field("cloudmart-tickets", validation_alias="DYNAMODB_TICKETS_TABLE")


class Settings(_Group):
    """Everything the process is told from outside."""

    environment: Environment = Field(Environment.PRODUCTION, validation_alias="ENVIRONMENT")
    port: int = Field(5000, validation_alias="PORT", ge=1, le=65535)
    dynamodb: DynamoDBSettings = Field(default_factory=DynamoDBSettings)
