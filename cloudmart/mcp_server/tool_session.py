"""The tools for one client: each call is a turn of a separate conversation."""

import json
from functools import partial

from cloudmart.access.authentication import Caller
from cloudmart.ai.confirmation_codes import Proposal
from cloudmart.ai.confirmations import Confirmations
from cloudmart.ai.conversations import ConversationKind, ConversationRepository, Turn
from cloudmart.ai.ports import ToolCall, ToolSpec
from cloudmart.ai.tools import Toolbox

_KIND = ConversationKind.CONVERSATION


class ToolSession:
    """Runs tools for a caller, under the rules that hold in a chat."""

    def __init__(
        self,
        toolbox: Toolbox,
        confirmations: Confirmations,
        conversations: ConversationRepository,
        caller: Caller,
    ) -> None:
        self._toolbox = toolbox
        self._confirmations = confirmations
        self._conversations = conversations
        self._caller = caller
        self._conversation: str | None = None

    async def specs(self) -> list[ToolSpec]:
        """Return the descriptions of the tools that the caller may use."""
        async with self._conversations.turn(_KIND, await self._id(), self._begin("")) as turn:
            return self._toolbox.specs(turn)

    async def call(self, name: str, arguments: dict[str, object]) -> tuple[str, Proposal | None]:
        """Run a tool; return its result as JSON, and what the person is to confirm first."""
        call = ToolCall("", name, json.dumps(arguments))
        async with self._conversations.turn(_KIND, await self._id(), self._begin("")) as turn:
            output = await self._toolbox.run(turn, call)
            if turn.proposal is not None:
                # What waits for its code is kept with the conversation.
                await self._conversations.commit(turn, f"({name})", turn.proposal.kept)
            return output, turn.proposal

    async def confirm(self, code: str) -> str:
        """Do what a code confirms, and return a sentence about the result."""
        message = f"CONFIRM {code}"
        async with self._conversations.turn(_KIND, await self._id(), self._begin(message)) as turn:
            answer = await self._confirmations.carry_out(turn, code)
            await self._conversations.commit(turn, "(confirm)", answer)
            return answer

    async def _id(self) -> str:
        if self._conversation is None:
            self._conversation = await self._conversations.start(_KIND)
        return self._conversation

    def _begin(self, message: str) -> "partial[Turn]":
        return partial(Turn, caller=self._caller, message=message, believes=False)
