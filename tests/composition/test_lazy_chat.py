"""A model whose client is opened when it is first needed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from cloudmart.ai.ports import ProviderMessage, ProviderStep, Role, StepRequest, TextDelta
from cloudmart.ai.providers.bedrock_converse import open_bedrock_converse
from cloudmart.composition.providers import LazyChat
from cloudmart.dynamodb.session import new_session
from cloudmart.errors import ProviderFailedError, ProviderMisconfiguredError, UpstreamError
from cloudmart.settings import BedrockSettings
from tests.support.scripted_chat import Line, ScriptedChat

REQUEST = StepRequest("0" * 64, "Be kind.", [ProviderMessage(Role.USER, "Hi")])
REFUSED = ProviderMisconfiguredError("Amazon Bedrock", "the role or the credentials of AWS")
FAILED = ProviderFailedError("Amazon Bedrock", "it broke off")


class Opening:
    """Opens scripted models, one after the other, and remembers which were closed."""

    def __init__(self, *scripts: tuple[Line, ...]) -> None:
        self._scripts = list(scripts)
        self.happened: list[str] = []

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[ScriptedChat]:
        self.happened.append("opened")
        yield ScriptedChat(*self._scripts.pop(0))
        self.happened.append("closed")


async def take(chat: LazyChat) -> str:
    """Take a step and return its text."""
    steps = [event async for event in chat.step(REQUEST) if isinstance(event, ProviderStep)]
    return steps[0].text


async def test_a_client_is_opened_for_the_first_step_and_closed_at_the_end() -> None:
    opening = Opening(("One.", "Two."))
    async with LazyChat("late", opening, model="late", priced_by="") as chat:
        assert opening.happened == []

        assert [await take(chat), await take(chat)] == ["One.", "Two."]
        assert opening.happened == ["opened"]

    assert opening.happened == ["opened", "closed"]


@pytest.mark.parametrize(
    ("failure", "happened"),
    [(REFUSED, ["opened", "closed", "opened"]), (FAILED, ["opened"])],
)
async def test_only_a_client_that_was_refused_is_opened_again(
    failure: UpstreamError, happened: list[str]
) -> None:
    script = (failure,) if failure is REFUSED else (failure, "Here again.")
    opening = Opening(script, ("Here again.",))
    async with LazyChat("late", opening, model="late", priced_by="") as chat:
        with pytest.raises(type(failure)):
            await take(chat)

        assert await take(chat) == "Here again."
        assert opening.happened == happened


async def test_a_refusal_ends_no_other_step_with_the_same_client() -> None:
    opening = Opening((TextDelta("Half an "), REFUSED, "answer."), ("Here again.",))
    async with LazyChat("late", opening, model="late", priced_by="") as chat:
        other = chat.step(REQUEST)
        begun = await anext(other)
        with pytest.raises(ProviderMisconfiguredError):
            await take(chat)
        assert await take(chat) == "Here again."
        assert opening.happened == ["opened", "opened"]

        assert [begun, *[event async for event in other]] == [
            TextDelta("Half an "),
            TextDelta("answer."),
            ProviderStep("answer."),
        ]
        assert opening.happened == ["opened", "opened", "closed"]

    assert opening.happened == ["opened", "opened", "closed", "closed"]


async def test_missing_credentials_are_reported_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "missing"))
    settings = BedrockSettings(model_id="eu.amazon.nova-2-lite-v1:0", region="eu-central-1")

    opening = partial(open_bedrock_converse, settings, new_session())
    async with LazyChat("late", opening, model="late", priced_by="") as chat:
        with pytest.raises(ProviderMisconfiguredError, match="credentials of AWS"):
            await take(chat)
