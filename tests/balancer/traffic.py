"""Fifty customers and the answers that they get."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

import httpx2

CUSTOMERS = 50
_THINKING = 3.0
"""The seconds of an average pause. The engine is too slow for customers without one."""

_TRIES = 40


@dataclass(slots=True)
class Account:
    """The results of all requests."""

    answered: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    placed: dict[str, str] = field(default_factory=dict)
    """The order in each 201, by the request's key."""


class Traffic:
    """Customers who look, order and chat, each on a separate connection.

    With `persistent`, they repeat a failed request; orders keep their key.
    """

    def __init__(self, client: httpx2.AsyncClient, *, persistent: bool) -> None:
        self.account = Account()
        self.retries = 0
        self._client = client
        self._tries = _TRIES if persistent else 1
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Continue until it is stopped; running requests are finished."""
        async with asyncio.TaskGroup() as group:
            for number in range(CUSTOMERS):
                group.create_task(self._live(number, random.Random(number)))  # noqa: S311

    def stop(self) -> None:
        """Let the customers finish their requests."""
        self._over.set()

    async def _live(self, number: int, dice: random.Random) -> None:
        email = f"customer-{number}@example.org"
        for turn in count(number):
            if self._over.is_set():
                return
            match turn % 6:
                case 0:
                    await self._ask("GET", "/api/products")
                case 1:
                    await self._chat("application/json")
                case 2:
                    await self._ask("GET", f"/api/orders/user?email={email}")
                case 4:
                    await self._chat("text/event-stream")
                case _:
                    await self._place(email, dice)
            await asyncio.sleep(dice.uniform(0, 2 * _THINKING))

    async def _place(self, email: str, dice: random.Random) -> None:
        key = uuid4().hex
        order = {"userEmail": email, "items": [{"productId": "1", "quantity": dice.randint(1, 9)}]}
        answer = await self._ask("POST", "/api/orders", order, {"Idempotency-Key": key})
        if answer is not None:
            self.account.placed[key] = answer.json()["id"]

    async def _chat(self, accept: str) -> None:
        began = await self._ask("POST", "/api/ai/start", {})
        if began is not None:
            said = {"threadId": began.json()["threadId"], "message": "Do you have a lamp?"}
            await self._ask("POST", "/api/ai/message", said, {"Accept": accept})

    async def _ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> httpx2.Response | None:
        said = ""
        for attempt in range(self._tries):
            if attempt:
                self.retries += 1
                await asyncio.sleep(0.1)
            try:
                answer = await self._client.request(method, path, json=body, headers=headers)
            except httpx2.TransportError as error:
                said = repr(error)
                continue
            # A stream that begins well can still end badly.
            if answer.is_success and "event: error" not in answer.text:
                self.account.answered[f"{method} {path.partition('?')[0]}"] += 1
                return answer
            said = f"{answer.status_code} {answer.text[:200]}"
            if attempt and "conversation-busy" in said:
                # If a process dies during a turn, the chat stays locked until the lock expires.
                return None
        self.account.failures.append(f"{method} {path}: {said}")
        return None
