"""The shop's providers of AI and its function at Lambda, each a fake at the wire.

moto's agents are born PREPARED, and a mapping of its own never has a last result. The forms are
those of the APIs' references:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_GetAgent.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_GetAgentAlias.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetFoundationModel.html
https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
https://platform.openai.com/docs/api-reference/models/retrieve
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.azure_language import analyze
from tests.support.scripted_server import LoopbackServer, Reply, Request, loopback

AGENT, ALIAS = "Q8ZP3R7LKM", "K7MPQ2ZTRW"
MODEL = "eu.amazon.nova-lite-v1:0"
FUNCTION = "cloudmart-dynamodb-to-bigquery-production"
_AT = "2026-11-01T08:00:00+00:00"
_ARN = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"


def _agent() -> dict[str, Any]:
    return {
        "agentId": AGENT,
        "agentName": "shop",
        "agentArn": f"arn:aws:bedrock:us-east-1:210987654321:agent/{AGENT}",
        "agentVersion": "DRAFT",
        "agentStatus": "PREPARED",
        "idleSessionTTLInSeconds": 600,
        "agentResourceRoleArn": "arn:aws:iam::210987654321:role/agent",
        "createdAt": _AT,
        "updatedAt": _AT,
    }


def _alias() -> dict[str, Any]:
    return {
        "agentId": AGENT,
        "agentAliasId": ALIAS,
        "agentAliasName": "live",
        "agentAliasArn": f"arn:aws:bedrock:us-east-1:210987654321:agent-alias/{AGENT}/{ALIAS}",
        "routingConfiguration": [{"agentVersion": "3"}],
        "agentAliasStatus": "PREPARED",
        "createdAt": _AT,
        "updatedAt": _AT,
    }


def _details() -> dict[str, Any]:
    return {
        "modelArn": _ARN,
        "modelId": "amazon.nova-lite-v1:0",
        "modelLifecycle": {"status": "ACTIVE"},
    }


@dataclass(slots=True)
class ShopProviders:
    """The answers of each; None if something does not exist."""

    openai: LoopbackServer
    azure: LoopbackServer
    bedrock: LoopbackServer
    functions: LoopbackServer
    openai_model: dict[str, Any] = field(
        default_factory=lambda: {"id": "gpt-6-luna", "object": "model", "created": 0}
    )
    agent: dict[str, Any] | None = field(default_factory=_agent)
    alias: dict[str, Any] | None = field(default_factory=_alias)
    version: dict[str, Any] | None = field(default_factory=lambda: {**_agent(), "version": "3"})
    model: dict[str, Any] | None = field(default_factory=_details)
    function: dict[str, Any] | None = field(
        default_factory=lambda: {
            "FunctionName": FUNCTION,
            "Runtime": "python3.13",
            "State": "Active",
            "LastUpdateStatus": "Successful",
        }
    )
    mapping: dict[str, Any] | None = None

    @property
    def environ(self) -> dict[str, str]:
        """The settings of the service for them."""
        return {
            "OPENAI_API_KEY": "sk-proj-9fceb02d0ae598e95dc970b7",
            "OPENAI_BASE_URL": f"{self.openai.url}/v1",
            "AZURE_ENDPOINT": self.azure.url,
            "AZURE_API_KEY": "9fceb02d0ae598e95dc970b74767f19372d61af8",
            "BEDROCK_MODEL_ID": MODEL,
            "PIPELINE_FUNCTION": FUNCTION,
        }

    def map_stream(self, arn: str) -> None:
        """Let the function read a stream, as infra/pipeline.yaml deploys it."""
        self.mapping = {
            "UUID": "91eaeb7e-c976-1234-9451-8709db01f137",
            "EventSourceArn": arn,
            "FunctionArn": f"arn:aws:lambda:us-east-1:210987654321:function:{FUNCTION}",
            "State": "Enabled",
            "LastProcessingResult": "OK",
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "MaximumRecordAgeInSeconds": 43200,
            "DestinationConfig": {
                "OnFailure": {"Destination": "arn:aws:sqs:us-east-1:210987654321:failures"}
            },
        }

    def answer_openai(self, request: Request) -> Reply:
        """Answer as OpenAI does."""
        assert request.path == "/v1/models/gpt-6-luna"
        return Reply.json(200, self.openai_model)

    def answer_bedrock(self, request: Request) -> Reply:
        """Answer like the three services of Bedrock that the doctor calls."""
        path = unquote(urlsplit(request.path).path)
        parts = {
            f"/agents/{AGENT}/": ("agent", self.agent),
            f"/agents/{AGENT}/agentaliases/{ALIAS}/": ("agentAlias", self.alias),
            f"/agents/{AGENT}/agentaliases/TSTALIASID/": ("agentAlias", self.alias),
            f"/agents/{AGENT}/agentversions/3/": ("agentVersion", self.version),
            f"/foundation-models/{_ARN}": ("modelDetails", self.model),
        }
        if path == f"/inference-profiles/{MODEL}":
            return Reply.json(
                200,
                {
                    "inferenceProfileName": "nova",
                    "inferenceProfileArn": f"arn:aws:bedrock:us-east-1:1:inference-profile/{MODEL}",
                    "inferenceProfileId": MODEL,
                    "models": [{"modelArn": _ARN}],
                    "status": "ACTIVE",
                    "type": "SYSTEM_DEFINED",
                },
            )
        if path == f"/model/{MODEL}/converse":
            return Reply.json(200, _CONVERSED)
        name, found = parts[path]
        return absent() if found is None else Reply.json(200, {name: found})

    def answer_lambda(self, request: Request) -> Reply:
        """Answer as Lambda does."""
        path = urlsplit(request.path).path
        if path == f"/2015-03-31/functions/{FUNCTION}/configuration":
            return absent() if self.function is None else Reply.json(200, self.function)
        assert path == "/2015-03-31/event-source-mappings"
        return Reply.json(200, {"EventSourceMappings": [self.mapping] if self.mapping else []})


_CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Yes"}]}},
    "stopReason": "max_tokens",
    "usage": {"inputTokens": 4, "outputTokens": 1, "totalTokens": 5},
    "metrics": {"latencyMs": 200},
}


def absent() -> Reply:
    """Return AWS's answer for something that does not exist."""
    return refused(404, "ResourceNotFoundException", "There is none.")


def refused(status: int, code: str, message: str) -> Reply:
    """Return a refusal in the form of AWS's newer services."""
    return Reply.json(status, {"message": message, "Message": message}, x_amzn_ErrorType=code)


@contextmanager
def shop_providers(monkeypatch: pytest.MonkeyPatch) -> Iterator[ShopProviders]:
    """Serve all of them, and set this process's environment to those of AWS."""
    with loopback() as openai, loopback() as azure, loopback() as bedrock, loopback() as functions:
        providers = ShopProviders(openai, azure, bedrock, functions)
        openai.answer, azure.answer = providers.answer_openai, analyze
        bedrock.answer, functions.answer = providers.answer_bedrock, providers.answer_lambda
        for name in ("BEDROCK", "BEDROCK_AGENT", "BEDROCK_RUNTIME"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", bedrock.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", functions.url)
        yield providers
