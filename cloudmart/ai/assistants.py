"""The assistants of the shop, as their routes know them."""

from dataclasses import dataclass
from typing import NoReturn, Protocol

from cloudmart.ai.loop import Emit
from cloudmart.ai.service import unheard
from cloudmart.errors import ProviderDisabledError
from cloudmart.http.client import UNKNOWN


class Assistant(Protocol):
    """Whoever answers customers."""

    async def start(self) -> str:
        """Start a conversation and return its id."""
        ...

    async def reply(
        self,
        conversation: str,
        message: str,
        emit: Emit = unheard,
        *,
        proved: str | None = None,
        client: str = UNKNOWN,
    ) -> str:
        """Answer a message of whoever has proved an address, or has proved none."""
        ...


class DisabledAssistant:
    """Stands where a provider is not configured, and says so."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def start(self) -> NoReturn:
        """Raise ProviderDisabledError."""
        raise ProviderDisabledError(self._reason)

    async def reply(
        self,
        conversation: str,  # noqa: ARG002 - its kind's
        message: str,  # noqa: ARG002
        emit: Emit = unheard,  # noqa: ARG002
        *,
        proved: str | None = None,  # noqa: ARG002
        client: str = UNKNOWN,  # noqa: ARG002
    ) -> NoReturn:
        """Raise ProviderDisabledError."""
        raise ProviderDisabledError(self._reason)


@dataclass(frozen=True, slots=True)
class Assistants:
    """The two the shop offers: behind `/api/ai` and behind `/api/ai/bedrock`."""

    openai: Assistant
    bedrock: Assistant
