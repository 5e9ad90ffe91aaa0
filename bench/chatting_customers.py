"""Customers who chat: each sends the next message when the last is answered."""

import asyncio
import os
import time
from dataclasses import dataclass

import aiohttp
import uvloop

_MESSAGE = "Which lamps do you have?"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many chats, with an answer every so many seconds."""

    chats: int
    answer: float


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: when it came, by the clock of all processes, and the seconds it took."""

    at: float
    took: float


def step_back() -> None:
    """Let others go first: what stands for other machines must not take this one's CPU."""
    os.nice(10)


def talk(url: str, plan: Plan, seconds: float) -> list[Answered]:
    """Chat for as long, and return all answers: what a process of its own runs."""
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
            # One after the other, so that no two wait in step.
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
