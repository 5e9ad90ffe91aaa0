"""The routes of `/api/tickets`."""

from typing import Annotated

from fastapi import Body, Depends, Query, Response
from fastapi import status as http

from cloudmart.access.guarded_route import GuardedRoute
from cloudmart.errors import NotFoundError, PreconditionFailedError, UnavailableError
from cloudmart.http.dependencies import Message, path_id, provide
from cloudmart.http.etag import IfMatch, IfMatchToDelete
from cloudmart.http.paging import Paging, paged, stream_list
from cloudmart.http.problem import may_fail
from cloudmart.rates.route_class import ClassifiedRouter
from cloudmart.tickets.models import Ticket, TicketCreate, TicketStatus, TicketUpdate
from cloudmart.tickets.repository import TicketRepository
from cloudmart.values import ids

router = ClassifiedRouter(
    prefix="/api/tickets",
    tags=["tickets"],
    route_class=GuardedRoute,
    responses=may_fail(UnavailableError),
)
Tickets = Annotated[TicketRepository, Depends(provide(TicketRepository))]
PagingOfTickets = Annotated[Paging, Depends(paged("tickets"))]
WantedStatus = Annotated[
    TicketStatus,
    Query(
        description="Only tickets of this status.",
        openapi_examples={"open": {"value": "open"}},
    ),
]
TicketBody = Annotated[
    TicketCreate,
    Body(
        openapi_examples={
            "question": {
                "summary": "A question",
                "value": {
                    "subject": "Where is my order?",
                    "message": "I ordered a lamp last week and have not heard of it since.",
                    "userEmail": ids.CUSTOMER,
                },
            }
        }
    ),
]
StatusBody = Annotated[
    TicketUpdate,
    Body(openapi_examples={"close": {"summary": "It is solved", "value": {"status": "closed"}}}),
]
TicketId = Annotated[str, path_id(ids.TICKET)]


@router.post(
    "",
    summary="Open a ticket",
    description=(
        "A long conversation is never refused: its oldest messages are cut, and `truncated` says "
        "so."
    ),
    status_code=http.HTTP_201_CREATED,
)
async def open_ticket(body: TicketBody, tickets: Tickets, response: Response) -> Ticket:
    ticket = await tickets.add(Ticket.open(body))
    response.headers["Location"] = f"{router.prefix}/{ticket.id}"
    response.headers["ETag"] = ticket.etag
    return ticket


@router.get(
    "",
    summary="List all tickets",
    description="Without `limit` the list is complete, however long, and is streamed.",
    response_model=list[Ticket],
)
async def list_tickets(tickets: Tickets, paging: PagingOfTickets) -> Response:
    return await paging.answer(
        Ticket, tickets.list_all(after=paging.after, page_size=paging.page_size)
    )


@router.get(
    "/status",
    summary="List the tickets of a status",
    description="All of them, streamed.",
    response_model=list[Ticket],
)
async def list_tickets_of_status(status: WantedStatus, tickets: Tickets) -> Response:
    return await stream_list(Ticket, tickets.with_status(status))


@router.get("/{ticket_id}", summary="Get a ticket", responses=may_fail(NotFoundError))
async def get_ticket(ticket_id: TicketId, tickets: Tickets, response: Response) -> Ticket:
    ticket = await tickets.get(ticket_id)
    response.headers["ETag"] = ticket.etag
    return ticket


@router.put(
    "/{ticket_id}",
    summary="Change a ticket's status",
    description="With `If-Match`, only if it has not changed since.",
    responses=may_fail(NotFoundError, PreconditionFailedError),
)
async def change_ticket(
    ticket_id: TicketId, body: StatusBody, tickets: Tickets, when: IfMatch, response: Response
) -> Ticket:
    ticket = await tickets.change_status(ticket_id, body.status, when)
    response.headers["ETag"] = ticket.etag
    return ticket


@router.delete(
    "/{ticket_id}",
    summary="Delete a ticket",
    description="With the header `If-Match` (an `ETag`), only if it has not changed since.",
    responses=may_fail(NotFoundError, PreconditionFailedError),
)
async def delete_ticket(ticket_id: TicketId, tickets: Tickets, when: IfMatchToDelete) -> Message:
    await tickets.remove(ticket_id, when)
    return Message(message="Ticket deleted successfully")
