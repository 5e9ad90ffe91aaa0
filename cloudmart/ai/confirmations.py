"""What a customer confirmed with a code: carried out once, without a model."""

from cloudmart.ai.confirmation_codes import PendingTicket, code_hash
from cloudmart.ai.conversations import ConversationRepository, Turn
from cloudmart.ai.order_changes import OrderChanges
from cloudmart.ai.ticket_requests import TicketRequests

_CONFIRMS_NOTHING = (
    "That code is not valid: it is wrong, was used, or has expired. Nothing was changed. "
    "To get a new code, ask again and name the order, or what you want."
)


class Confirmations:
    """Takes codes; changes of orders and tickets wait for them in the conversation."""

    def __init__(
        self,
        conversations: ConversationRepository,
        changes: OrderChanges,
        tickets: TicketRequests,
    ) -> None:
        self._conversations = conversations
        self._changes = changes
        self._tickets = tickets

    async def carry_out(self, turn: Turn, code: str) -> str:
        """Do what a code confirms, and return a sentence about the result."""
        hashed = code_hash(turn.conversation.id, code)
        pending = await self._conversations.consume(turn, hashed)
        if pending is None:
            return _CONFIRMS_NOTHING
        if isinstance(pending, PendingTicket):
            return await self._tickets.open(turn, pending)
        return await self._changes.carry_out(turn, pending)
