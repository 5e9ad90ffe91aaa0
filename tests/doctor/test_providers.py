"""Findings of OpenAI, Bedrock and Azure."""

from collections.abc import Callable

import pytest

from cloudmart.findings.finding import CheckStatus
from tests.doctor.healthy import HealthyShop, told
from tests.doctor.shop_providers import AGENT, refused
from tests.support.aws_commands import commands_in
from tests.support.azure_language import error, results
from tests.support.azure_language import refused as document_refused
from tests.support.scripted_server import Reply, Request

FAIL, WARN = CheckStatus.FAIL, CheckStatus.WARN
SKIP, UNKNOWN = CheckStatus.SKIP, CheckStatus.UNKNOWN
NOWHERE = "http://127.0.0.1:9"


def openai_error(status: int, code: str) -> Callable[[Request], Reply]:
    """Return a function that answers with an error in OpenAI's form."""
    return lambda _: Reply.json(status, {"error": {"message": "Said.", "code": code}})


async def test_a_refused_key_of_openai_is_reported(shop: HealthyShop) -> None:
    shop.providers.openai.answer = openai_error(401, "invalid_api_key")

    found = await shop.look("openai")

    assert told(found, "openai-key", FAIL).endswith("answers 401")
    assert told(found, "openai-model", SKIP) == "openai-key failed"
    assert shop.environ["OPENAI_API_KEY"] not in str(found)


async def test_a_model_that_openai_does_not_have_is_reported(shop: HealthyShop) -> None:
    shop.providers.openai.answer = openai_error(404, "model_not_found")

    found = await shop.look("openai")

    assert told(found, "openai-model", FAIL).endswith("answers 404 for gpt-6-luna")
    assert told(found, "openai-model-ends", SKIP) == "openai-model failed"


async def test_the_end_of_a_model_is_reported_in_advance(shop: HealthyShop) -> None:
    shop.providers.openai_model["shutdown_date"] = "2027-02-01"

    found = await shop.look("openai-model-ends")

    assert told(found, "openai-model-ends", WARN) == "gpt-6-luna ends on 2027-02-01"


async def test_openai_that_cannot_be_reached_is_reported(shop: HealthyShop) -> None:
    shop.environ["OPENAI_BASE_URL"] = f"{NOWHERE}/v1"

    found = await shop.look("openai")

    assert told(found, "openai-reachable", FAIL).startswith(NOWHERE)
    assert told(found, "openai-key", SKIP) == "openai-reachable failed"


async def test_a_key_that_may_not_look_at_models_is_not_called_wrong(shop: HealthyShop) -> None:
    shop.providers.openai.answer = openai_error(403, "insufficient_permissions")

    found = await shop.look("openai")

    assert "restricted key" in told(found, "openai-key", UNKNOWN)


@pytest.mark.parametrize("area", ["openai", "azure", "bedrock"])
async def test_a_provider_that_is_not_configured_is_skipped_with_its_reason(
    shop: HealthyShop, area: str
) -> None:
    names = {
        "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
        "azure": ("AZURE_ENDPOINT", "AZURE_API_KEY"),
        "bedrock": ("BEDROCK_MODEL_ID",),
    }
    for name in names[area]:
        del shop.environ[name]

    found = await shop.look(area)

    assert {each.status for each in found.values()} == {SKIP}
    assert all(each.observed for each in found.values())


@pytest.mark.parametrize(
    ("key", "reply", "observed"),
    [
        ("azure-key", error(401, "401"), "AZURE_API_KEY"),
        ("azure-endpoint", error(404, "404"), "AZURE_ENDPOINT"),
        (
            *("azure-language", results([], [document_refused("0", "UnsupportedLanguageCode")])),
            "AZURE_LANGUAGE",
        ),
    ],
)
async def test_what_azure_refuses_is_reported(
    shop: HealthyShop, key: str, reply: Reply, observed: str
) -> None:
    shop.providers.azure.answer = lambda _: reply

    found = await shop.look("azure")

    assert observed in told(found, key, FAIL)
    assert told(found, "azure-analysis", SKIP) == f"{key} failed"


async def test_azure_that_gives_no_usable_answer_is_reported(shop: HealthyShop) -> None:
    shop.providers.azure.answer = lambda _: results([], [document_refused("0")])

    found = await shop.look("azure-analysis")

    assert "it gave no score" in told(found, "azure-analysis", FAIL)


async def test_azure_that_cannot_be_reached_is_reported(shop: HealthyShop) -> None:
    shop.environ["AZURE_ENDPOINT"] = NOWHERE

    found = await shop.look("azure")

    assert "cannot be reached" in told(found, "azure-reachable", FAIL)
    assert told(found, "azure-key", SKIP) == "azure-reachable failed"


async def test_what_an_analysis_costs_is_reported(shop: HealthyShop) -> None:
    found = await shop.look("azure-analysis", "bedrock-model-answers")

    assert "about 0.001 USD" in found["azure-analysis"].observed
    assert "less than 0.001 USD" in found["bedrock-model-answers"].observed


async def test_an_agent_that_does_not_exist_is_reported(shop: HealthyShop) -> None:
    shop.with_an_agent()
    shop.providers.agent = None

    found = await shop.look("bedrock")

    assert told(found, "bedrock-agent-exists", FAIL) == f"there is no agent {AGENT} in us-east-1"
    assert told(found, "bedrock-alias-exists", SKIP) == "bedrock-agent-exists failed"


async def test_an_agent_that_is_not_prepared_is_reported(shop: HealthyShop) -> None:
    shop.with_an_agent()
    assert shop.providers.agent
    shop.providers.agent |= {"agentStatus": "NOT_PREPARED", "failureReasons": ["It was changed."]}

    found = await shop.look("bedrock-agent-prepared")

    assert told(found, "bedrock-agent-prepared", FAIL) == "NOT_PREPARED: It was changed."
    assert commands_in(found["bedrock-agent-prepared"].fix) == [
        f"aws bedrock-agent prepare-agent --agent-id {AGENT}"
    ]


async def test_an_alias_that_does_not_exist_is_reported(shop: HealthyShop) -> None:
    shop.with_an_agent()
    shop.providers.alias = None

    found = await shop.look("bedrock")

    assert "has no alias" in told(found, "bedrock-alias-exists", FAIL)
    assert told(found, "bedrock-alias-version", SKIP) == "bedrock-alias-exists failed"


async def test_an_alias_that_is_not_prepared_is_reported(shop: HealthyShop) -> None:
    shop.with_an_agent()
    assert shop.providers.alias
    shop.providers.alias["agentAliasStatus"] = "FAILED"

    found = await shop.look("bedrock-alias-prepared")

    assert told(found, "bedrock-alias-prepared", FAIL) == "FAILED"


@pytest.mark.parametrize(
    ("status", "observed"),
    [("FAILED", "version 3 is FAILED"), (None, "leads to version 3, which does not exist")],
)
async def test_a_version_behind_the_alias_that_cannot_answer_is_reported(
    shop: HealthyShop, status: str | None, observed: str
) -> None:
    shop.with_an_agent()
    assert shop.providers.version
    shop.providers.version = {**shop.providers.version, "agentStatus": status} if status else None

    found = await shop.look("bedrock-alias-version")

    assert observed in told(found, "bedrock-alias-version", FAIL)


async def test_an_alias_of_the_draft_is_reported(shop: HealthyShop) -> None:
    shop.with_an_agent("TSTALIASID")

    found = await shop.look("bedrock-alias-released")

    assert told(found, "bedrock-alias-released", WARN) == "TSTALIASID is the alias of the draft"


async def test_a_model_that_bedrock_does_not_have_is_reported(shop: HealthyShop) -> None:
    shop.providers.model = None

    found = await shop.look("bedrock-model-exists", "bedrock-model-answers")

    assert "in us-east-1" in told(found, "bedrock-model-exists", FAIL)
    assert told(found, "bedrock-model-answers", SKIP) == "bedrock-model-exists failed"


async def test_a_model_that_is_legacy_is_reported(shop: HealthyShop) -> None:
    assert shop.providers.model
    shop.providers.model["modelLifecycle"] = {"status": "LEGACY"}

    found = await shop.look("bedrock-model-current")

    assert told(found, "bedrock-model-current", WARN).endswith("is LEGACY")


async def test_a_model_that_does_not_answer_is_reported(shop: HealthyShop) -> None:
    before = shop.providers.bedrock.answer
    assert before

    def answer(request: Request) -> Reply:
        if request.path.endswith("/converse"):
            return refused(400, "ValidationException", "The account has no access to the model.")
        return before(request)

    shop.providers.bedrock.answer = answer

    found = await shop.look("bedrock-model-answers")

    assert "has no access to the model" in told(found, "bedrock-model-answers", FAIL)
