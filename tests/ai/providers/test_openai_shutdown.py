"""The log says on which day OpenAI shuts a model down."""

from typing import Any

import pytest
from openai import AsyncOpenAI
from structlog.testing import capture_logs

from cloudmart.ai.providers.openai import warn_of_shutdown
from tests.support import responses_api as api
from tests.support.scripted_server import LoopbackServer, Reply

MODEL = {"id": "gpt-4o", "object": "model", "created": 0, "owned_by": "openai"}


def client(server: LoopbackServer) -> AsyncOpenAI:
    """Return a client of a server on loopback."""
    return AsyncOpenAI(api_key="sk-test", base_url=f"{server.url}/v1", max_retries=0)


async def test_a_day_that_is_announced_is_a_warning(server: LoopbackServer) -> None:
    server.play(Reply.json(200, MODEL | {"shutdown_date": "2027-01-14"}))

    with capture_logs() as events:
        async with client(server) as sdk:
            await warn_of_shutdown(sdk, "gpt-4o")

    (event,) = events
    assert server.requests[0].path == "/v1/models/gpt-4o"
    assert (event["event"], event["log_level"]) == ("model_will_be_shut_down", "warning")
    assert (event["model"], event["date"]) == ("gpt-4o", "2027-01-14")


@pytest.mark.parametrize(
    "members",
    [{}, {"shutdown_date": None}, {"shutdown_date": 7}, {"shutdown_date": "soon, sk-test " * 99}],
)
async def test_without_a_date_nothing_is_logged(
    server: LoopbackServer, members: dict[str, Any]
) -> None:
    server.play(Reply.json(200, MODEL | members))

    with capture_logs() as events:
        async with client(server) as sdk:
            await warn_of_shutdown(sdk, "gpt-4o")

    assert events == []


@pytest.mark.parametrize(
    "reply",
    [api.error(403, "missing_scope"), api.error(404, "model_not_found"), Reply(chunks=[b"<html>"])],
)
async def test_a_question_that_fails_disturbs_no_chat(server: LoopbackServer, reply: Reply) -> None:
    server.play(reply)

    with capture_logs() as events:
        async with client(server) as sdk:
            await warn_of_shutdown(sdk, "gpt-4o")

    assert [(event["event"], event["log_level"]) for event in events] == [
        ("model_shutdown_unknown", "info")
    ]
