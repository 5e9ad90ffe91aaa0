"""A DynamoDB client that replaces some operations of the real one."""

from collections.abc import Awaitable, Callable
from typing import Any

Call = Callable[..., Awaitable[dict[str, Any]]]
Instead = Callable[..., Awaitable[dict[str, Any]]]


class DynamoDBWrapper:
    """Calls a function of the test in place of some operations.

    The function gets the real operation and its parameters, and returns the answer.
    """

    def __init__(self, client: Any, **instead: Instead) -> None:  # noqa: ANN401
        self._client = client
        self._instead = instead

    def __getattr__(self, operation: str) -> Any:  # noqa: ANN401
        real: Call = getattr(self._client, operation)
        if operation not in self._instead:
            return real

        async def call(**parameters: Any) -> dict[str, Any]:  # noqa: ANN401
            return await self._instead[operation](real, **parameters)

        return call
