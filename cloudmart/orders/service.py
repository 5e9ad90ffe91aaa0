"""Placing orders: catalogue prices, and one order per idempotency key."""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from cloudmart.errors import (
    ConflictError,
    IdempotencyKeyReusedError,
    IdempotencyKeyTakenError,
    NotFoundError,
    ReservedAddressError,
)
from cloudmart.http.client import UNKNOWN
from cloudmart.observability.metrics import ORDERS_PLACED
from cloudmart.orders.idempotency import IdempotencyKeys, digest
from cloudmart.orders.models import Order
from cloudmart.orders.pricing import Offer, price
from cloudmart.orders.repository import KeyedRequest, OrderRepository
from cloudmart.orders.requests import OrderCreate
from cloudmart.rates.lookups import FailedLookups
from cloudmart.values.email import is_test_address

_OLD_ID = re.compile(r"[0-9a-fA-F]{8}")

_log = structlog.stdlib.get_logger(__name__)


class Catalogue(Protocol):
    """Where names and prices come from."""

    async def find_many(self, product_ids: Sequence[str]) -> Mapping[str, Offer]:
        """Return the offers there are, by product id; at most 100."""
        ...


class OrderService:
    """Places orders."""

    def __init__(
        self,
        orders: OrderRepository,
        catalogue: Catalogue,
        keys: IdempotencyKeys,
        lookups: FailedLookups,
    ) -> None:
        self._orders = orders
        self._catalogue = catalogue
        self._keys = keys
        self._lookups = lookups

    async def find(self, order_id: str, client: str, *, staff: bool) -> Order:
        """Return an order for a client, who may not guess the short ids of older releases.

        Raises:
            NotFoundError: there is no such order.
            TooManyLookupsError: the client has asked for too many that do not exist.
        """
        if staff or _OLD_ID.fullmatch(order_id) is None:
            return await self._orders.get(order_id)
        async with self._lookups.looking(client):
            try:
                return await self._orders.get(order_id)
            except NotFoundError:
                await self._lookups.add(client)
                raise

    async def place(
        self,
        request: OrderCreate,
        key: str | None = None,
        client: str = UNKNOWN,
        *,
        staff: bool = False,
    ) -> Order:
        """Place an order; with an idempotency key, once however often it is asked.

        Raises:
            ReservedAddressError: it is a test order, and nobody of the staff places it.
            UnknownProductError: it names a product that is not offered.
            PriceChangedError: it states a price or total that is not ours.
            IdempotencyKeyReusedError: the key came before with another request.
            IdempotencyKeyTakenError: the key made a guest's order for another client.
        """
        if is_test_address(request.user_email) and not staff:
            raise ReservedAddressError
        async with self._orders.budget():
            if key is None:
                return await self._place(request)
            return await self._place_once(request, key, client)

    async def _place_once(self, request: OrderCreate, key: str, client: str) -> Order:
        order_id = await self._keys.order_id(key)
        keyed = KeyedRequest(digest(request), await self._keys.client_mark(client))
        # Before prices are looked at: what was placed once is answered even if they changed.
        if earlier := await self._earlier(order_id, request, keyed):
            return earlier
        try:
            return await self._place(request, order_id, keyed)
        except ConflictError:
            if earlier := await self._earlier(order_id, request, keyed):
                return earlier
            raise

    async def _place(
        self,
        request: OrderCreate,
        order_id: str | None = None,
        keyed: KeyedRequest | None = None,
    ) -> Order:
        offers = await self._catalogue.find_many([line.product_id for line in request.lines])
        order = Order.place(price(request, offers), request.user_email)
        if order_id is not None:
            order = order.model_copy(update={"id": order_id})
        await self._orders.add(order, request=keyed)
        if not is_test_address(order.user_email):
            ORDERS_PLACED.inc()
        _log.info("order_placed", order_id=order.id, lines=len(order.items))
        return order

    async def _earlier(
        self, order_id: str, request: OrderCreate, keyed: KeyedRequest
    ) -> Order | None:
        found = await self._orders.find_request(order_id)
        if found is None:
            return None
        order, former = found
        if former.digest != keyed.digest:
            raise IdempotencyKeyReusedError(
                "This Idempotency-Key was used for another order. Send a new key for a new order."
            )
        # The same body has the same e-mail. Without one, only its client is known by the order.
        if request.user_email is None and former.client not in {None, keyed.client}:
            raise IdempotencyKeyTakenError
        return order
