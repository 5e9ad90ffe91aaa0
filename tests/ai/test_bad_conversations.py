"""Conversations that no release wrote: they continue, and no lock lasts longer than usual."""

from typing import Any

import pytest

from cloudmart.settings import Settings
from tests.ai.conftest import Shop
from tests.support.scripted_chat import ScriptedChat
from tests.support.wire_values import HUGE, VALUES, Wire

ATTRIBUTES = (
    *("history", "email", "pending", "tokens", "failedLookups", "createdAt", "updatedAt"),
    *("lockToken", "endedTurn", "confirmedBy", "mood"),
)
PENDING = {
    "action": {"S": "cancel"},
    "orderId": {"S": "k7m2p9q4r6t8v3w5"},
    "version": {"S": "1"},
    "codeHash": {"S": "2"},
    "tries": {"N": "0"},
    "expiresAt": {"N": "9999999999"},
}


@pytest.fixture
def spoil(dynamodb: Any, settings: Settings) -> Any:  # noqa: ANN401 - boto3's
    """Provide a function that sets an attribute of a conversation to any value."""

    def spoil(thread: str, attribute: str, value: Wire) -> None:
        dynamodb.update_item(
            TableName=settings.dynamodb.conversations_table,
            Key={"id": {"S": thread}},
            UpdateExpression="SET #it = :it",
            ExpressionAttributeNames={"#it": attribute},
            ExpressionAttributeValues={":it": value},
        )

    return spoil


@pytest.mark.parametrize("attribute", ATTRIBUTES)
async def test_a_conversation_continues_whatever_it_holds(
    attribute: str,
    shop: Shop,
    spoil: Any,  # noqa: ANN401 - a function
) -> None:
    assistant = shop.assistant(ScriptedChat(*["Good day."] * 2 * len(VALUES)))
    for value in VALUES.values():
        thread = await assistant.start()
        spoil(thread, attribute, value)

        answers = [await assistant.reply(thread, each) for each in ("Hello", "CONFIRM 123456")]

        assert answers[0] == "Good day."
        assert "lockUntil" not in await shop.conversation(thread)


@pytest.mark.parametrize("missing", PENDING)
@pytest.mark.parametrize("kind", [None, "NULL", "SS", "1e125 in full", "M of all", "S"])
async def test_an_incomplete_change_is_ignored_and_locks_nothing(
    missing: str,
    kind: str | None,
    shop: Shop,
    spoil: Any,  # noqa: ANN401 - a function
) -> None:
    assistant = shop.assistant(ScriptedChat("Good day.", "Good day."))
    thread = await assistant.start()
    instead = {missing: VALUES[kind]} if kind else {}
    others = {name: value for name, value in PENDING.items() if name != missing}
    spoil(thread, "pending", {"M": others | instead})

    await assistant.reply(thread, "CONFIRM 123456")
    answer = await assistant.reply(thread, "Hello")

    assert answer == "Good day."
    assert "lockUntil" not in await shop.conversation(thread)


@pytest.mark.parametrize(
    "value", [{"S": "tomorrow"}, {"N": HUGE}, {"NULL": True}, {"SS": ["1"]}, {"L": []}]
)
async def test_a_lock_with_an_invalid_time_is_ignored(
    value: Wire,
    shop: Shop,
    spoil: Any,  # noqa: ANN401 - a function
) -> None:
    assistant = shop.assistant(ScriptedChat("Good day."))
    thread = await assistant.start()
    spoil(thread, "lockUntil", value)

    assert await assistant.reply(thread, "Hello") == "Good day."
