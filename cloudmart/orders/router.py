"""The routes of `/api/orders`."""

from typing import Annotated

from fastapi import Body, Depends, Header, Query, Request, Response, status
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from cloudmart.access.authentication import CurrentCaller
from cloudmart.access.guarded_route import GuardedRoute
from cloudmart.errors import (
    IdempotencyKeyReusedError,
    IdempotencyKeyTakenError,
    NotFoundError,
    PreconditionFailedError,
    PriceChangedError,
    TooManyLookupsError,
    UnavailableError,
    UnknownProductError,
)
from cloudmart.http.dependencies import Message, path_id, plus_query, provide
from cloudmart.http.etag import IfMatch, IfMatchToDelete
from cloudmart.http.paging import EncodedEntity, Paging, paged, stream_list
from cloudmart.http.problem import may_fail
from cloudmart.orders.models import Order, OrderCreate, OrderUpdate
from cloudmart.orders.repository import OrderRepository
from cloudmart.orders.service import OrderService
from cloudmart.rates.route_class import ClassifiedRouter, RouteClass
from cloudmart.values import ids
from cloudmart.values.email import AskedEmail

router = ClassifiedRouter(
    prefix="/api/orders",
    tags=["orders"],
    route_class=GuardedRoute,
    responses=may_fail(UnavailableError),
)
Orders = Annotated[OrderRepository, Depends(provide(OrderRepository))]
Ordering = Annotated[OrderService, Depends(provide(OrderService))]
PagingOfOrders = Annotated[Paging, Depends(paged("orders"))]
Address = Annotated[
    AskedEmail,
    Query(
        description="The customer's e-mail. A space within it is read as `+`.",
        openapi_examples={"sample": {"value": ids.CUSTOMER}},
    ),
]


async def _sought(request: Request, email: Address) -> str:
    return plus_query(request, "email") or email


Sought = Annotated[str, Depends(_sought)]
IdempotencyKey = Annotated[
    Annotated[str, Field(min_length=1, max_length=255)] | SkipJsonSchema[None],
    Header(
        alias="Idempotency-Key",
        description="1 to 255 printable characters. The same key and body make one order.",
        examples=["a8098c1a-f86e-11da-bd1a-00112444be1e"],
    ),
]
OrderBody = Annotated[
    OrderCreate,
    Body(
        openapi_examples={
            "several": {
                "summary": "Several products",
                "value": {
                    "userEmail": ids.CUSTOMER,
                    "items": [
                        {"productId": ids.PRODUCT, "quantity": 2},
                        {"productId": "2", "quantity": 1},
                    ],
                },
            },
            "single": {
                "summary": "One product, in short",
                "value": {"productId": ids.PRODUCT, "quantity": 1},
            },
        }
    ),
]
StatusBody = Annotated[
    OrderUpdate,
    Body(openapi_examples={"ship": {"summary": "It was sent", "value": {"status": "Shipped"}}}),
]
OrderId = Annotated[str, path_id(ids.ORDER)]


@router.post(
    "",
    summary="Place an order",
    description="The catalogue decides names and prices, and the server adds up the total. A "
    "`price` or `total` that is stated and differs from ours by a cent or more is refused with "
    "409, which says the current price. With an `Idempotency-Key`, the same request sent again "
    "answers the first order again; the same key with another body is refused with 422, and a "
    "guest's key from another client with 409. An order whose `userEmail` ends in "
    "`@verify.invalid` is a test order: no statistics count it, and the warehouse's view leaves it "
    "out. Only administrators may place one; anyone else gets 403.",
    status_code=status.HTTP_201_CREATED,
    responses=may_fail(
        UnknownProductError,
        PriceChangedError,
        IdempotencyKeyReusedError,
        IdempotencyKeyTakenError,
    ),
)
async def place_order(
    body: OrderBody,
    ordering: Ordering,
    caller: CurrentCaller,
    response: Response,
    key: IdempotencyKey = None,
) -> Order:
    placed = await ordering.place(body, key, caller.client, staff=caller.admin)
    order = placed.for_customers()
    response.headers["Location"] = f"{router.prefix}/{order.id}"
    response.headers["ETag"] = order.etag
    return order


@router.get(
    "",
    summary="List all orders",
    description=(
        "Without `limit` the list is complete, however long, and is streamed. If the data store "
        "fails in the middle, the list is cut off and is not valid JSON."
    ),
    response_model=list[Order],
)
async def list_orders(orders: Orders, paging: PagingOfOrders) -> Response:
    return await paging.answer(
        EncodedEntity, orders.list_all(after=paging.after, page_size=paging.page_size)
    )


@router.get(
    "/user",
    summary="List a customer's orders",
    description=(
        "All of them, newest first, streamed. Letter case and Unicode form do not count, and a "
        "domain may have its DNS form. For an address that nobody ordered with, the list is empty. "
        "A customer who signed in sees only the orders of their own address."
    ),
    response_model=list[Order],
)
@router.counts_as(RouteClass.EMAIL)
async def list_customer_orders(email: Sought, orders: Orders, caller: CurrentCaller) -> Response:
    caller.check_may_see_orders_of(email)
    return await stream_list(EncodedEntity, orders.placed_by(email, owner=caller.owner))


@router.get(
    "/{order_id}",
    summary="Get an order",
    description=(
        "Only administrators see who changed it. A client that asks for many unknown ids of the "
        "older, short form gets 429 for an hour."
    ),
    responses=may_fail(NotFoundError, TooManyLookupsError),
)
async def get_order(
    order_id: OrderId, ordering: Ordering, caller: CurrentCaller, response: Response
) -> Order:
    staff = caller.admin and caller.name is not None
    found = await ordering.find(order_id, caller.client, staff=staff)
    order = found if caller.admin else found.for_customers()
    response.headers["ETag"] = order.etag
    return order


@router.put(
    "/{order_id}",
    summary="Change an order's status",
    description="For staff: to any status from any other. Customers and assistants can cancel, "
    "and only what has not shipped. With `If-Match`, only if it has not changed since.",
    responses=may_fail(NotFoundError, PreconditionFailedError),
)
async def change_order(
    order_id: OrderId,
    body: StatusBody,
    orders: Orders,
    caller: CurrentCaller,
    when: IfMatch,
    response: Response,
) -> Order:
    order = await orders.change_status(order_id, body.status, when, by=caller.name)
    response.headers["ETag"] = order.etag
    return order


@router.delete(
    "/{order_id}",
    summary="Delete an order",
    description="With the header `If-Match` (an `ETag`), only if it has not changed since.",
    responses=may_fail(NotFoundError, PreconditionFailedError),
)
async def delete_order(order_id: OrderId, orders: Orders, when: IfMatchToDelete) -> Message:
    await orders.remove(order_id, when)
    return Message(message="Order deleted successfully")
