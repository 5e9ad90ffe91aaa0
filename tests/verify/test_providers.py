"""Shops whose provider fails at the wire: the result names the provider."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from cloudmart.findings.finding import CheckStatus
from cloudmart.settings import AssistantSettings, BedrockSettings, OpenAISettings, Settings
from cloudmart.verify.context import VerifyChoices
from cloudmart.verify.failed_layer import Layer
from cloudmart.verify.run import STEPS
from cloudmart.verify.shop_client import ShopClient
from tests.support import event_stream as aws
from tests.support import responses_api as api
from tests.support.live_server import served
from tests.support.scripted_server import Fault, LoopbackServer, Reply, Request, loopback
from tests.verify.conftest import Asked, asked_of, failed, steps_asking, tried

TURNS = {"openai": "/api/ai/message", "bedrock": "/api/ai/bedrock/message"}
CHOICES = VerifyChoices(assistants=True)
HANGS = Reply(200, {"Content-Type": "text/event-stream"}, [Fault.HANG])


@pytest.fixture(scope="module")
def provider() -> Iterator[LoopbackServer]:
    """Provide a server that plays both providers."""
    with loopback() as server, pytest.MonkeyPatch.context() as patch:
        server.answer = lambda _: Reply.json(200, {})
        patch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME", server.url)
        yield server


@pytest.fixture(scope="module")
def calling_url(shared_settings: Settings, provider: LoopbackServer) -> Iterator[str]:
    """Provide the address of a shop whose assistants call the provider."""
    changed = {
        "openai": OpenAISettings(api_key=SecretStr("sk-test"), base_url=f"{provider.url}/v1"),
        "bedrock": BedrockSettings(
            agent_id="AGENT00001", agent_alias_id="ALIAS00001", region="us-east-1"
        ),
        "assistant": AssistantSettings(turn_timeout=2),
    }
    with served(shared_settings.model_copy(update=changed)) as url:
        yield url


@pytest.fixture(scope="module")
def asked(calling_url: str) -> Asked:
    """Provide the requests of each step, without messages to assistants."""
    return asked_of(ShopClient(calling_url, 30))


@pytest.mark.parametrize(
    ("name", "reply", "code"),
    [
        ("openai", api.error(401, "invalid_api_key"), "503"),
        ("openai", HANGS, "504"),
        ("bedrock", aws.error(403, "AccessDeniedException"), "503"),
        ("bedrock", HANGS, "504"),
    ],
)
def test_a_provider_that_refuses_or_never_answers_is_the_provider(  # noqa: PLR0913, PLR0917
    calling_url: str, provider: LoopbackServer, asked: Asked, name: str, reply: Reply, code: str
) -> None:
    def answer(_: Request) -> Reply:
        return reply

    provider.answer = answer
    steps = steps_asking(asked, "POST", TURNS[name]) + steps_asking(
        asked, "POST", TURNS[name].replace("message", "start")
    )
    turn = next(each for each in STEPS if each.id == f"{name}-answers")

    findings = tried(ShopClient(calling_url, 30), CHOICES, (*dict.fromkeys(steps), turn))

    assert set(failed(findings)) == {f"{name}-answers"}
    finding = findings[f"{name}-answers"]
    assert (finding.status, finding.layer) == (CheckStatus.FAIL, Layer.PROVIDER)
    assert f"POST {TURNS[name]} answered {code}" in finding.observed
    assert f"cloudmart doctor --only {name}" in finding.fix
