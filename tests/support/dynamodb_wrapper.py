"""DynamoDB clients that stand before the real one and do something of their own."""

from collections.abc import Awaitable, Callable
from typing import Any

Call = Callable[..., Awaitable[dict[str, Any]]]
Instead = Callable[..., Awaitable[dict[str, Any]]]


class DynamoDBWrapper:
    """A client that lets some operations pass through a function of the test's.

    The function gets the real operation and the parameters, and answers in its stead.
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
