"""Placing orders: catalogue prices, and one order per idempotency key."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from cloudmart.dynamodb.client import budget
from cloudmart.errors import ConflictError, IdempotencyKeyReusedError
from cloudmart.observability.metrics import ORDERS_PLACED
from cloudmart.orders.idempotency import IdempotencyKeys, digest
from cloudmart.orders.models import Order
from cloudmart.orders.pricing import Offer, price
from cloudmart.orders.repository import OrderRepository
from cloudmart.orders.requests import OrderCreate

_log = structlog.stdlib.get_logger(__name__)


class Catalogue(Protocol):
    """Where names and prices come from."""

    async def find_many(self, product_ids: Sequence[str]) -> Mapping[str, Offer]:
        """Return the offers there are, by product id; at most 100."""
        ...


class OrderService:
    """Places orders."""

    def __init__(
        self, orders: OrderRepository, catalogue: Catalogue, keys: IdempotencyKeys
    ) -> None:
        self._orders = orders
        self._catalogue = catalogue
        self._keys = keys

    async def place(self, request: OrderCreate, key: str | None = None) -> Order:
        """Place an order; with an idempotency key, once however often it is asked.

        Raises:
            UnknownProductError: it names a product that is not offered.
            PriceChangedError: it states a price or total that is not ours.
            IdempotencyKeyReusedError: the key came before with another request.
        """
        async with budget():
            return await (self._place(request) if key is None else self._place_once(request, key))

    async def _place_once(self, request: OrderCreate, key: str) -> Order:
        order_id = await self._keys.order_id(key)
        # Before prices are looked at: what was placed once is answered even if they changed.
        if earlier := await self._earlier(order_id, request):
            return earlier
        try:
            return await self._place(request, order_id)
        except ConflictError:
            if earlier := await self._earlier(order_id, request):
                return earlier
            raise

    async def _place(self, request: OrderCreate, order_id: str | None = None) -> Order:
        offers = await self._catalogue.find_many([line.product_id for line in request.lines])
        order = Order.place(price(request, offers), request.user_email)
        if order_id is None:
            await self._orders.add(order)
        else:
            order = order.model_copy(update={"id": order_id})
            await self._orders.add(order, request=digest(request))
        ORDERS_PLACED.inc()
        _log.info("order_placed", order_id=order.id, lines=len(order.items))
        return order

    async def _earlier(self, order_id: str, request: OrderCreate) -> Order | None:
        found = await self._orders.find_request(order_id)
        if found is None:
            return None
        order, requested = found
        if requested != digest(request):
            raise IdempotencyKeyReusedError(
                "This Idempotency-Key was used for another order. Send a new key for a new order."
            )
        return order
