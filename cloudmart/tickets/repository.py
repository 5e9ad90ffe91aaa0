"""Tickets in their table."""

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.expression import Condition
from cloudmart.dynamodb.lookup import IndexRecord, Lookup
from cloudmart.dynamodb.schema import amendment, in_shard, shards_of
from cloudmart.dynamodb.table import VERSION, Table
from cloudmart.errors import NotFoundError
from cloudmart.http.etag import UNCONDITIONAL, Precondition
from cloudmart.tickets.indexes import INDEXED_TICKETS, STATUS_SHARD, TICKETS_BY_STATUS, ticket_keys
from cloudmart.tickets.models import SentimentScores, Ticket, TicketStatus
from cloudmart.values.page import Pages
from cloudmart.values.timestamp import now, stamp

# What a change of a ticket rests on: its state, and what its index is made of.
_BASIS = (VERSION, *INDEXED_TICKETS.sources)


class TicketRepository:
    """The support tickets."""

    def __init__(self, table: Table, notes: Table) -> None:
        self._table = table
        self._by_status = Lookup(table, TICKETS_BY_STATUS, IndexRecord(notes, INDEXED_TICKETS))

    async def get(self, ticket_id: str) -> Ticket:
        """Return the ticket, or raise NotFoundError."""
        item = await self._table.get_large(ticket_id)
        if item is None:
            raise NotFoundError("Ticket", ticket_id)
        return Ticket.read(item)

    async def list_all(
        self, *, after: str | None = None, page_size: int | None = None
    ) -> Pages[Ticket]:
        """Yield all tickets, in no order."""
        async for page in self._table.scan(after=after, page_size=page_size):
            yield page.map(Ticket.read)

    async def with_status(self, status: TicketStatus) -> Pages[Ticket]:
        """Yield the tickets of a status, newest first where the index serves."""
        async for page in self._by_status.find(shards_of(status), scan=self._table.scan):
            yield page.map(Ticket.read).filter(lambda ticket: ticket.status is status)

    async def add(self, ticket: Ticket) -> Ticket:
        """Store a new ticket; its id must be free."""
        item = ticket.item()
        await self._table.put(item | ticket_keys(item), new=True)
        return ticket

    async def change_status(
        self, ticket_id: str, status: TicketStatus, when: Precondition = UNCONDITIONAL
    ) -> Ticket:
        """Set a ticket's status.

        Raises:
            NotFoundError: there is no such ticket.
            PreconditionFailedError: it is not as the client has seen it.
        """

        async def change(item: Item, as_read: Condition) -> Item | None:
            ticket = Ticket.read(item)
            when.check(ticket.etag)
            changes = amendment(item, INDEXED_TICKETS).corrections | {
                "status": status.value,
                STATUS_SHARD: in_shard(status, ticket_id),
                "updatedAt": stamp(now()),
                VERSION: ticket.version + 1,
            }
            return await self._table.update(ticket_id, set=changes, when=as_read, returning=True)

        item = await self._table.optimistic_write(ticket_id, _BASIS, change)
        if item is None:
            raise NotFoundError("Ticket", ticket_id)
        return Ticket.read(item)

    async def change_sentiment(
        self, ticket_id: str, scores: SentimentScores, overall: str, source: str
    ) -> None:
        """Set a ticket's sentiment and its analyzer, or raise NotFoundError."""

        async def change(item: Item, as_read: Condition) -> Item | None:
            changes = amendment(item, INDEXED_TICKETS).corrections | {
                "sentimentScores": scores.model_dump(),
                "overallSentiment": overall,
                "sentimentSource": source,
                VERSION: Ticket.read(item).version + 1,
            }
            return await self._table.update(ticket_id, set=changes, when=as_read)

        if await self._table.optimistic_write(ticket_id, _BASIS, change) is None:
            raise NotFoundError("Ticket", ticket_id)

    async def remove(self, ticket_id: str, when: Precondition = UNCONDITIONAL) -> None:
        """Delete a ticket; raises what `change_status` raises."""
        if not await self._removed(ticket_id, when):
            raise NotFoundError("Ticket", ticket_id)

    async def _removed(self, ticket_id: str, when: Precondition) -> bool:
        if not when.is_given:
            return await self._table.remove(ticket_id)

        async def remove(item: Item, as_read: Condition) -> bool:
            when.check(Ticket.read(item).etag)
            return await self._table.remove(ticket_id, when=as_read)

        return bool(await self._table.optimistic_write(ticket_id, _BASIS, remove))
