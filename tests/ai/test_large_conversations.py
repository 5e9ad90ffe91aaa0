"""Conversations can be large, so only a few are read at the same time."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial

import aioboto3

from cloudmart.access.authentication import Caller
from cloudmart.ai.conversations import (
    READ_AT_ONCE,
    ConversationKind,
    ConversationRepository,
    Turn,
)
from cloudmart.errors import ConversationBusyError
from cloudmart.settings import Settings
from tests.ai.conftest import open_shop
from tests.support.fault_proxy import Fault, FaultProxy

WAITING = 3 * READ_AT_ONCE


async def test_few_conversations_are_read_at_once_even_locked_ones(
    settings: Settings, session: aioboto3.Session, faults: FaultProxy
) -> None:
    async with open_shop(settings, session) as shop:
        repository = ConversationRepository(
            shop.conversations, lifetime=timedelta(days=30), longest_turn=45
        )
        key = await repository.start(ConversationKind.THREAD)
        begin = partial(Turn, caller=Caller(), message="Hello")
        faults.fail(Fault.HANG, "UpdateItem")

        async def lock() -> None:
            with suppress(ConversationBusyError):
                async with repository.turn(ConversationKind.THREAD, key, begin):
                    pass

        chats = [asyncio.create_task(lock()) for _ in range(WAITING)]
        async with asyncio.timeout(30):
            while faults.calls["UpdateItem"] < READ_AT_ONCE:  # noqa: ASYNC110 - counted in a thread
                await asyncio.sleep(0.05)
        # If more were read at the same time, they would have begun by now.
        await asyncio.sleep(0.3)
        asked = faults.calls["UpdateItem"]
        faults.heal()
        await asyncio.gather(*chats)

    assert asked == READ_AT_ONCE
