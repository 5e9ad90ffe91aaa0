"""The metrics of chats, at the address that they have in local mode."""

import re
from contextlib import nullcontext

from fastapi.testclient import TestClient

from cloudmart.ai.ports import ProviderStep, ToolCall, Usage
from cloudmart.app import create_app
from cloudmart.composition.providers import Providers
from cloudmart.errors import ProviderUnavailableError
from cloudmart.settings import Settings
from tests.support.ready_app import serving, still
from tests.support.scripted_chat import ScriptedChat
from tests.support.scripted_sentiment import ScriptedSentiment

SEARCH = ToolCall("1", "search_products", '{"query": "lamp"}')
INVENTED = ToolCall("2", "give_discount", "{}")
USAGE = Usage(100, 20, cached_tokens=50, reasoning_tokens=5)
SERIES = re.compile(r"^(cloudmart_(?:chat_turns|ai_)\w*_total\{.*\}) (\S+)$", re.MULTILINE)


def counted(client: TestClient) -> dict[str, float]:
    """Return the counters of chats."""
    text = client.get("/metrics").text
    return {name: float(value) for name, value in SERIES.findall(text)}


def test_tokens_tools_and_outcomes_are_counted(settings: Settings) -> None:
    chat = ScriptedChat(
        *(USAGE, ProviderStep("", [SEARCH, INVENTED]), USAGE, "None."),
        ProviderUnavailableError("X"),
    )
    providers = Providers(chat, chat, ScriptedSentiment("none"), ScriptedSentiment("none"))
    app = create_app(settings, lambda *_: nullcontext(providers), process=still(settings))

    with serving(app) as client:
        before = counted(client)
        question = client.post("/api/ai/start").json() | {"message": "Lamps?"}
        for _ in range(2):
            client.post("/api/ai/message", json=question)
        after = counted(client)

    more = {name: value - before.get(name, 0) for name, value in after.items()}
    assert {name: value for name, value in more.items() if value} == {
        'cloudmart_ai_tokens_total{kind="input",model="script",provider="scripted"}': 200,
        'cloudmart_ai_tokens_total{kind="cached",model="script",provider="scripted"}': 100,
        'cloudmart_ai_tokens_total{kind="output",model="script",provider="scripted"}': 40,
        'cloudmart_ai_tokens_total{kind="reasoning",model="script",provider="scripted"}': 10,
        'cloudmart_ai_unpriced_requests_total{model="script",provider="scripted"}': 2,
        'cloudmart_ai_tool_calls_total{result="ok",tool="search_products"}': 1,
        'cloudmart_ai_tool_calls_total{result="unknown_tool",tool="unknown"}': 1,
        'cloudmart_chat_turns_total{outcome="answered",provider="scripted"}': 1,
        'cloudmart_chat_turns_total{outcome="ai-unavailable",provider="scripted"}': 1,
    }
