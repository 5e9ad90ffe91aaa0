"""Settings of the optional providers, and of the assistants that speak through them."""

from enum import StrEnum

from pydantic import Field

from cloudmart.settings.formats import (
    AgentId,
    Endpoint,
    Key,
    Language,
    ModelId,
    ModelName,
    Region,
    SettingsGroup,
)
from cloudmart.settings.knowledge import KnowledgeFiles


class Effort(StrEnum):
    """How long an OpenAI model reasons; `off` sends no effort, for models without the parameter."""

    OFF = "off"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


class BedrockMode(StrEnum):
    """How Bedrock answers; `auto` prefers an agent over a model, whichever is configured."""

    AUTO = "auto"
    AGENT = "agent"
    CONVERSE = "converse"
    OFF = "off"


class OrderTools(StrEnum):
    """What the assistants may do with orders. Except `auto`, each includes the ones before it."""

    AUTO = "auto"
    OFF = "off"
    READ = "read"
    CANCEL = "cancel"
    DELETE = "delete"


class TicketTools(StrEnum):
    """Whether the assistants may propose to open a ticket."""

    OFF = "off"
    ON = "on"


class OpenAISettings(SettingsGroup):
    """OpenAI, or a server with its Responses API."""

    api_key: Key | None = Field(
        None,
        validation_alias="OPENAI_API_KEY",
        description="The key. For another server that needs no key, write `EMPTY`.",
        examples=["sk-…, as OpenAI's console shows it once"],
    )
    base_url: Endpoint | None = Field(
        None,
        validation_alias="OPENAI_BASE_URL",
        description="Another server with OpenAI's API. Unset means OpenAI's own.",
        examples=["http://vllm:8000/v1"],
    )
    model: ModelName = Field(
        "gpt-6-luna",
        validation_alias="OPENAI_MODEL",
        description="The model that answers.",
        examples=["gpt-6-luna"],
    )
    reasoning_effort: Effort = Field(
        Effort.LOW,
        validation_alias="OPENAI_REASONING_EFFORT",
        description="How long the model may think. `off` sends no effort, for models that do not "
        "know it.",
        examples=["low"],
    )
    assistant_id: str | None = Field(
        None,
        validation_alias="OPENAI_ASSISTANT_ID",
        deprecated="OpenAI shut the Assistants API on 2026-08-26, so nothing reads it any more. "
        "Remove it: CloudMart has its own instructions and model now.",
        description="The assistant of OpenAI's former API.",
        examples=["nothing: remove it"],
    )


class BedrockSettings(SettingsGroup):
    """Amazon Bedrock: an existing agent, or a model with our own tools."""

    mode: BedrockMode = Field(
        BedrockMode.AUTO,
        validation_alias="BEDROCK_MODE",
        description="`agent` (an existing Bedrock agent), `converse` (a model with our tools), "
        "`auto` (the configured one, the agent first), or `off`.",
        examples=["auto"],
    )
    region: Region | None = Field(
        None,
        validation_alias="BEDROCK_REGION",
        description="Bedrock's region, if it is not AWS_REGION.",
        examples=["us-east-1"],
    )
    agent_id: AgentId | None = Field(
        None,
        validation_alias="BEDROCK_AGENT_ID",
        description="The id of a Bedrock agent. It needs BEDROCK_AGENT_ALIAS_ID.",
        examples=["10 letters and digits, from the agent's page in the Bedrock console"],
    )
    agent_alias_id: AgentId | None = Field(
        None,
        validation_alias="BEDROCK_AGENT_ALIAS_ID",
        description="The id of the agent's alias. It needs BEDROCK_AGENT_ID.",
        examples=["10 letters and digits, from the agent's page in the Bedrock console"],
    )
    model_id: ModelId | None = Field(
        None,
        validation_alias="BEDROCK_MODEL_ID",
        description="The model, or the inference profile, for `converse`.",
        examples=["eu.amazon.nova-2-lite-v1:0"],
    )

    @property
    def way(self) -> BedrockMode:
        """How Bedrock really answers: `agent`, `converse`, or `off` while it cannot."""
        agent = self.agent_id is not None and self.agent_alias_id is not None
        if agent and self.mode in {BedrockMode.AUTO, BedrockMode.AGENT}:
            return BedrockMode.AGENT
        if self.model_id and self.mode in {BedrockMode.AUTO, BedrockMode.CONVERSE}:
            return BedrockMode.CONVERSE
        return BedrockMode.OFF


class AzureSettings(SettingsGroup):
    """Azure AI Language, for the sentiment of chats."""

    endpoint: Endpoint | None = Field(
        None,
        validation_alias="AZURE_ENDPOINT",
        description="The resource's endpoint. It needs AZURE_API_KEY.",
        examples=["https://….cognitiveservices.azure.com/, from the resource's page"],
    )
    api_key: Key | None = Field(
        None,
        validation_alias="AZURE_API_KEY",
        description="One of the resource's two keys. It needs AZURE_ENDPOINT.",
        examples=["key 1 or key 2 of the resource, from Azure's portal"],
    )
    language: Language = Field(
        "en",
        validation_alias="AZURE_LANGUAGE",
        description="The language that customers write in.",
        examples=["en"],
    )
    daily_units: int = Field(
        5000,
        validation_alias="SENTIMENT_DAILY_UNITS",
        ge=0,
        description="How many units all chats together may use in a day (UTC) for Azure. A unit "
        "is a thousand characters of a message, or a part of them. When they are used "
        "up, a lexicon rates the sentiment. 0 means no limit.",
        examples=["5000"],
    )


class AssistantSettings(SettingsGroup):
    """Chats with the assistants."""

    turn_timeout: float = Field(
        45,
        validation_alias="AI_TURN_TIMEOUT",
        gt=0,
        le=600,
        description="How many seconds one answer may take, with its tools. The storefront gives "
        "up at 50.",
        examples=["45"],
    )
    max_steps: int = Field(
        4,
        validation_alias="AI_MAX_STEPS",
        ge=1,
        le=20,
        description="How many times one answer may call the model.",
        examples=["4"],
    )
    order_tools: OrderTools = Field(
        OrderTools.AUTO,
        validation_alias="AI_ORDER_TOOLS",
        description="What assistants may do with orders: `off`, `read`, `cancel` (and read), "
        "`delete` (and the rest), or `auto`. `auto` means `cancel` for a customer "
        "whose token proves the address, and in local mode; otherwise `read`.",
        examples=["auto"],
    )
    tickets: TicketTools = Field(
        TicketTools.OFF,
        validation_alias="AI_TICKETS",
        description="Whether customers may open a ticket for the shop's staff in a chat, by `on` "
        "or `off`. The customer sees subject and text, and confirms with a code.",
        examples=["off"],
    )
    knowledge: KnowledgeFiles | None = Field(
        None,
        validation_alias="ASSISTANT_KNOWLEDGE",
        description="A Markdown file, or a directory of them, with what the shop tells its "
        "customers: shipping, returns, payment. The assistants answer from it. Local mode has a "
        "sample.",
        examples=["a path, such as /etc/cloudmart-knowledge/shop.md"],
    )
    conversation_ttl_days: int = Field(
        30,
        validation_alias="CONVERSATION_TTL_DAYS",
        ge=1,
        le=3650,
        description="How many days the service keeps a conversation after its last message.",
        examples=["30"],
    )
    conversation_tokens: int = Field(
        200_000,
        validation_alias="AI_CONVERSATION_TOKENS",
        ge=0,
        description="How many tokens one conversation may use. 0 means no limit.",
        examples=["200000"],
    )
    daily_tokens: int = Field(
        5_000_000,
        validation_alias="AI_DAILY_TOKENS",
        ge=0,
        description="How many tokens all conversations together may use in a day (UTC). 0 means "
        "no limit.",
        examples=["5000000"],
    )
