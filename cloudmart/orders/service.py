"""Placing orders: catalogue prices, and one order per idempotency key."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Protocol

import structlog

from cloudmart.errors import (
    CloudmartError,
    Fault,
    IdempotencyKeyReusedError,
    IdempotencyKeyTakenError,
    InvalidRequestError,
    NotFoundError,
    PriceChangedError,
    ReservedAddressError,
    UnknownProductError,
)
from cloudmart.http.client_address import UNKNOWN
from cloudmart.observability.metrics import ORDERS_PLACED, ORDERS_REVENUE
from cloudmart.orders.hmac_key import SharedSecret
from cloudmart.orders.models import Order, OrderCreate, OrderLine, total_of
from cloudmart.orders.repository import KeyedRequest, OrderRepository
from cloudmart.rates.limiting import FailedLookups
from cloudmart.values.email import is_test_address
from cloudmart.values.ids import derived_id
from cloudmart.values.money import differs

_OLD_ID = re.compile(r"[0-9a-fA-F]{8}")

_log = structlog.stdlib.get_logger(__name__)

LONGEST_NAME = 200
"""Characters of a product's name that a line keeps; older products' names have no limit."""

_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


class Offer(Protocol):
    """What the catalogue says of a product."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def price(self) -> Decimal:
        """Its price for one."""


def price_lines(request: OrderCreate, offers: Mapping[str, Offer]) -> list[OrderLine]:
    """Return the request's lines with the catalogue's names and prices.

    Raises:
        UnknownProductError: a product is not offered.
        PriceChangedError: a stated price or total is a cent or more off.
    """
    _refuse_unknown(request, offers)
    lines = []
    for number, line in enumerate(request.lines):
        offer = offers[line.product_id]
        if line.price is not None and differs(line.price, offer.price):
            sentence = f"The price of product {line.product_id!r} is {offer.price:.2f} now."
            raise PriceChangedError(
                sentence,
                details={"productId": line.product_id, "price": float(offer.price)},
                faults=[Fault(request.pointer(number, "price"), f"is {offer.price:.2f} now")],
            )
        lines.append(
            OrderLine(
                product_id=line.product_id,
                name=offer.name[:LONGEST_NAME],
                quantity=line.quantity,
                price=offer.price,
            )
        )
    _refuse_other_total(request, total_of(lines))
    return lines


def _refuse_unknown(request: OrderCreate, offers: Mapping[str, Offer]) -> None:
    faults = [
        Fault(request.pointer(number, "productId"), f"there is no product {line.product_id!r}")
        for number, line in enumerate(request.lines)
        if line.product_id not in offers
    ]
    if faults:
        raise UnknownProductError(f"T{faults[0].message[1:]}.", faults=faults)


def _refuse_other_total(request: OrderCreate, total: Decimal) -> None:
    if request.total is not None and differs(request.total, total):
        raise PriceChangedError(
            f"The total of this order is {total:.2f} now.",
            details={"total": float(total)},
            faults=[Fault("/total", f"is {total:.2f} now")],
        )


class IdempotencyKeys:
    """Turns keys into order ids with a secret that all replicas share.

    One conditional write of the order then enforces a key. No other record must be kept or expire.
    The service remembers a key as long as its order exists.
    """

    def __init__(self, secret: SharedSecret) -> None:
        self._secret = secret

    async def order_id(self, key: str) -> str:
        """Return the id of the order that belongs to a key.

        Raises:
            InvalidRequestError: it is no key.
            UnavailableError: what makes ids of keys cannot be read.
        """
        if not _KEY.fullmatch(key):
            sentence = "An idempotency key has 1 to 255 printable ASCII characters."
            raise InvalidRequestError(
                sentence, faults=[Fault("/header/Idempotency-Key", "1 to 255 printable characters")]
            )
        return derived_id(await self._secret.read(), key)

    async def client_mark(self, client: str) -> str:
        """Return what is kept of the client that used a key: enough to know it again."""
        subject = f"client {client}".encode()
        return hmac.digest(await self._secret.read(), subject, hashlib.sha256).hex()[:32]


def request_digest(request: OrderCreate) -> str:
    """Return what tells one request from another: all of it that decides the order."""
    canonical = request.model_dump_json(exclude_none=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


class PriceCatalogue(Protocol):
    """Where names and prices come from."""

    def offers(self, product_ids: Sequence[str]) -> Mapping[str, Offer] | None:
        """Return all of these offers as they were a moment ago, or None if one is not known."""
        ...

    async def find_many(self, product_ids: Sequence[str]) -> Mapping[str, Offer]:
        """Return the offers there are now, by product id; at most 100."""
        ...


class OrderService:
    """Places orders."""

    def __init__(
        self,
        orders: OrderRepository,
        catalogue: PriceCatalogue,
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
        keyed = KeyedRequest(request_digest(request), await self._keys.client_mark(client))
        try:
            return await self._place(request, order_id, keyed)
        except CloudmartError:
            # An order that was placed once is answered again, even if its prices have changed.
            if earlier := await self._earlier(order_id, request, keyed):
                return earlier
            raise

    async def _place(
        self,
        request: OrderCreate,
        order_id: str | None = None,
        keyed: KeyedRequest | None = None,
    ) -> Order:
        order = Order.place(await self._priced(request), request.user_email)
        if order_id is not None:
            order = order.model_copy(update={"id": order_id})
        await self._orders.add(order, request=keyed)
        if not is_test_address(order.user_email):
            ORDERS_PLACED.inc()
            ORDERS_REVENUE.inc(float(order.total))
        _log.info("order_placed", order_id=order.id, lines=len(order.items))
        return order

    async def _priced(self, request: OrderCreate) -> list[OrderLine]:
        product_ids = [line.product_id for line in request.lines]
        if offers := self._catalogue.offers(product_ids):
            # Before a refusal the service reads the present prices from the table.
            with suppress(UnknownProductError, PriceChangedError):
                return price_lines(request, offers)
        return price_lines(request, await self._catalogue.find_many(product_ids))

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
