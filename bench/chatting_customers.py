"""Customers who chat: each sends the next message after the answer to the last one."""

import asyncio
import os
import time
from dataclasses import dataclass

import aiohttp
import uvloop

_MESSAGE = "Which lamps do you have?"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many chats there are, and the seconds between two answers of a chat."""

    chats: int
    answer: float


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: when it arrived, by a clock that all processes share, and the seconds it took."""

    at: float
    took: float


def step_back() -> None:
    """Lower this process's priority: it stands for other machines, which would not use this CPU."""
    os.nice(10)


def talk(url: str, plan: Plan, seconds: float) -> list[Answered]:
    """Chat until the time is over, and return all answers. It runs in its own process."""
    return uvloop.run(_talk(url, plan, seconds))


async def _talk(url: str, plan: Plan, seconds: float) -> list[Answered]:
    answers: list[Answered] = []
    ends = time.monotonic() + seconds
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(url, connector=connector) as session,
        asyncio.TaskGroup() as group,
    ):
        for number in range(plan.chats):
            # The chats start one after the other, so that they do not all wait at the same moments.
            after = plan.answer * number / plan.chats
            group.create_task(_chat(session, answers, after, ends))
    return answers


async def _chat(
    session: aiohttp.ClientSession, answers: list[Answered], after: float, ends: float
) -> None:
    await asyncio.sleep(after)
    thread = await _post(session, "/api/ai/start", {})
    while time.monotonic() < ends:
        began = time.monotonic()
        await _post(session, "/api/ai/message", thread | {"message": _MESSAGE})
        moment = time.monotonic()
        answers.append(Answered(moment, moment - began))


async def _post(session: aiohttp.ClientSession, path: str, body: dict[str, str]) -> dict[str, str]:
    async with session.post(path, json=body) as answer:
        content: dict[str, str] = await answer.json(content_type=None)
        if not answer.ok:
            raise RuntimeError(f"{path}: {answer.status} {content}")
    return content
