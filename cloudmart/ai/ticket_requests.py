"""A customer's request to the shop's staff: seen and confirmed before it is sent as a ticket."""

from typing import Any

import structlog
from botocore.exceptions import ClientError

from cloudmart.ai.confirmation_codes import PendingTicket, propose_ticket
from cloudmart.ai.conversations import ConversationRepository, Turn
from cloudmart.ai.ports import Role
from cloudmart.errors import CloudmartError, NotFoundError, UnavailableError
from cloudmart.observability.metrics import ASSISTED_TICKETS
from cloudmart.tickets.models import MessageCreate, Ticket, TicketCreate
from cloudmart.tickets.repository import TicketRepository
from cloudmart.values.ids import new_id

_log = structlog.stdlib.get_logger(__name__)

MOST_TICKETS = 3
"""Tickets that one conversation may open."""

_ASKED = {
    "status": "customer_is_asked_to_confirm",
    "advice": "The shop shows the request and a code under your answer. Ask the customer to reply "
    "with that line; nothing is sent before.",
}
_ENOUGH = {"error": "too_many_tickets"}
_ONE_AT_A_TIME = {"error": "one_change_at_a_time"}
_NOT_SENT = (
    "Your request was not sent: the shop's data store does not answer at the moment. "
    "Please ask again in a few minutes, or end this chat: the shop's staff read it."
)


class TicketRequests:
    """Opens tickets for customers. A model proposes; the customer confirms; this sends."""

    def __init__(
        self,
        tickets: TicketRepository,
        conversations: ConversationRepository,
        *,
        allowed: bool,
    ) -> None:
        self._tickets = tickets
        self._conversations = conversations
        self.allowed = allowed
        """Whether the shop lets assistants open tickets."""

    async def propose(self, turn: Turn, subject: str, text: str) -> dict[str, Any]:
        """Have the customer shown a ticket and asked to confirm it; nothing is sent yet."""
        if len(turn.conversation.open_tickets) >= MOST_TICKETS:
            return _ENOUGH
        if turn.proposal is not None:
            return _ONE_AT_A_TIME
        waiting = turn.conversation.pending
        same = isinstance(waiting, PendingTicket) and waiting.says(subject, text)
        if waiting and waiting.open and same:
            turn.remind(waiting.reminder)
            return {"status": "customer_must_type_the_code"}
        turn.propose(propose_ticket(turn.conversation.id, new_id(), subject, text))
        return _ASKED

    async def open(self, turn: Turn, pending: PendingTicket) -> str:
        """Send a confirmed ticket, with the chat, and return a sentence with its number."""
        if not self.allowed:
            return _NOT_SENT
        try:
            await self._send(turn, pending)
        except (UnavailableError, ClientError) as error:
            if not await self._was_sent(pending.ticket_id):
                _log.warning("ticket_not_sent", cause=repr(error))
                return _NOT_SENT
        ASSISTED_TICKETS.inc()
        _log.info("ticket_opened_by_assistant", ticket_id=pending.ticket_id)
        await self._note(turn, pending.ticket_id)
        return (
            f"Your request is with the shop's staff: ticket {pending.ticket_id} is open. "
            "They read it with this chat."
        )

    async def _send(self, turn: Turn, pending: PendingTicket) -> None:
        chat = [
            MessageCreate(sender="user" if spoken.role is Role.USER else "ai", text=spoken.text)
            for spoken in turn.conversation.messages
        ]
        request = TicketCreate(
            subject=pending.subject,
            message=pending.text,
            conversation=chat or None,
        )
        known = {"id": pending.ticket_id, "user_email": turn.email}
        await self._tickets.add(Ticket.open(request).model_copy(update=known))

    async def _was_sent(self, ticket_id: str) -> bool:
        """Return whether a ticket can be seen whose answer did not come."""
        try:
            await self._tickets.get(ticket_id)
        except (NotFoundError, UnavailableError, ClientError):
            return False
        return True

    async def _note(self, turn: Turn, ticket_id: str) -> None:
        try:
            await self._conversations.note_ticket(turn, ticket_id)
        except (CloudmartError, ClientError) as error:
            # The ticket is open and the customer knows; the end of the chat will not name it.
            _log.warning("ticket_not_noted", ticket_id=ticket_id, cause=repr(error))
