"""Orders in their table."""

import asyncio
from collections import defaultdict
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.expression import Condition, unchanged
from cloudmart.dynamodb.lookup import IndexRecord, Lookup
from cloudmart.dynamodb.schema import CREATED_AT, amendment, created_at
from cloudmart.dynamodb.table import BATCH, VERSION, RefusedError, Table
from cloudmart.errors import ConflictError, NotFoundError
from cloudmart.http.etag import UNCONDITIONAL, Precondition
from cloudmart.http.paging import EncodedEntity
from cloudmart.observability.trace_context import current_traceparent
from cloudmart.orders.indexes import INDEXED_ORDERS, ORDERS_BY_EMAIL, order_address, order_keys
from cloudmart.orders.internal_items import is_order
from cloudmart.orders.list_json import Customer, encode_order, encode_orders
from cloudmart.orders.models import TRACEPARENT, Order, OrderStatus
from cloudmart.values.email import email_key
from cloudmart.values.page import Page, Pages

_ATTRIBUTES = ("userEmail", "customerEmail", CREATED_AT, "updatedAt")

_Ids = list[str]

# What an order was when a customer agreed to a change: who owns it, how far it is, its version.
_VERSION = (VERSION, "status", "updatedAt", "userEmail", "customerEmail")
_CUSTOMER = "the customer, by an assistant"


class AddressScan:
    """Scans the whole table for addresses, one scan at a time.

    Requests that come during a scan wait for the next one, which serves them all.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._waiting: dict[str, asyncio.Future[_Ids]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def find(self, key: str) -> _Ids:
        """Return the ids of the orders whose address has a key, newest first."""
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
        answer = self._waiting[key]
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_for_all())
        # One who leaves does not take the answer from the others.
        return await asyncio.shield(answer)

    async def _read_for_all(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                await self._read_for(asked)
        finally:
            self._reading = None

    async def _read_for(self, asked: dict[str, asyncio.Future[_Ids]]) -> None:
        try:
            found = await self._ids(asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for those who asked
            for answer in asked.values():
                answer.set_exception(error)
                answer.exception()  # they may all have left
        else:
            for key, answer in asked.items():
                answer.set_result(found[key])

    async def _ids(self, keys: Collection[str]) -> dict[str, _Ids]:
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        async for page in self._table.scan(attributes=_ATTRIBUTES):
            for item in page.items:
                key = email_key(order_address(item))
                if key and key in keys and is_order(item["id"]):
                    found[key].append((created_at(item), item["id"]))
        return {key: [id_ for _, id_ in sorted(found[key], reverse=True)] for key in keys}


_REQUEST, _CLIENT = "requestDigest", "requestClient"


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """What is kept of a request with an idempotency key: a digest, and a mark of its client.

    Older releases kept no mark.
    """

    digest: str
    client: str | None


class OrderRepository:
    """The orders of the shop."""

    def __init__(self, table: Table, notes: Table) -> None:
        self._table = table
        self._by_email = Lookup(table, ORDERS_BY_EMAIL, IndexRecord(notes, INDEXED_ORDERS))
        self._scan = AddressScan(table)

    def budget(self) -> AbstractAsyncContextManager[None]:
        """Give several calls together the time of one."""
        return self._table.database.budget()

    async def get(self, order_id: str) -> Order:
        """Return the order, or raise NotFoundError."""
        item = await self._table.get(order_id) if is_order(order_id) else None
        if item is None:
            raise NotFoundError("Order", order_id)
        return Order.read(item)

    async def find_request(self, order_id: str) -> tuple[Order, KeyedRequest] | None:
        """Return an order and what is kept of the request that made it, if there is one."""
        item = await self._table.get(order_id)
        if item is None:
            return None
        request, client = item.get(_REQUEST), item.get(_CLIENT)
        kept = KeyedRequest(
            request if isinstance(request, str) else "",
            client if isinstance(client, str) else None,
        )
        return Order.read(item), kept

    async def list_all(
        self, *, after: str | None = None, page_size: int | None = None
    ) -> Pages[EncodedEntity]:
        """Yield all orders, in no order."""
        async for page in self._table.scan_as(encode_orders, after=after, page_size=page_size):
            yield page

    async def placed_by(self, address: str, *, owner: str | None = None) -> Pages[EncodedEntity]:
        """Yield a customer's orders, newest first, under every spelling of the address.

        `owner` is the address that the customer proved to own: with it, only orders of exactly
        that one are shown.
        """
        key = email_key(address)
        if key is None:
            yield Page([], last=True)
            return
        customer = Customer(key, owner)
        read = partial(encode_orders, customer=customer)
        async for page in self._by_email.find_as(read, key, scan=lambda: self._scanned(customer)):
            yield page

    async def add(self, order: Order, *, request: KeyedRequest | None = None) -> Order:
        """Store a new order with what is kept of its request; ConflictError if its id is taken."""
        item = order.item()
        item |= order_keys(item)
        if request is not None:
            item |= {_REQUEST: request.digest, _CLIENT: request.client}
        item |= _trace()
        await self._table.put(item, new=True)
        return order

    async def change_status(
        self,
        order_id: str,
        status: OrderStatus,
        when: Precondition = UNCONDITIONAL,
        *,
        by: str | None = None,
    ) -> Order:
        """Set an order's status for somebody of the staff.

        Raises:
            NotFoundError: there is no such order.
            PreconditionFailedError: it is not as the client has seen it.
        """

        async def change(item: Item, as_read: Condition) -> Item | None:
            order = Order.read(item)
            when.check(*order.etags)
            changes = _changes(item, order.with_status(status, by))
            return await self._table.update(order_id, set=changes, when=as_read, returning=True)

        there = is_order(order_id)
        item = await self._table.optimistic_write(order_id, _VERSION, change) if there else None
        if item is None:
            raise NotFoundError("Order", order_id)
        return Order.read(item)

    async def remove(self, order_id: str, when: Precondition = UNCONDITIONAL) -> None:
        """Delete an order; raises what `change_status` raises."""
        there = is_order(order_id) and await self._removed(order_id, when)
        if not there:
            raise NotFoundError("Order", order_id)

    async def cancel(self, order: Order) -> Order:
        """Cancel an order for its customer.

        Raises:
            ConflictError: it is not as it was read any more, or has left already.
        """
        item = await self._as_read(order)
        if not order.cancelable:
            raise ConflictError(f"Order {order.id!r} cannot be canceled any more.")
        changes = _changes(item, order.with_status(OrderStatus.CANCELED, _CUSTOMER))
        as_read = unchanged(item, _VERSION)
        try:
            changed = await self._table.update(order.id, set=changes, when=as_read, returning=True)
        except RefusedError as error:
            raise _changed(order) from error
        if changed is None:
            raise _changed(order)
        return Order.read(changed)

    async def erase(self, order: Order) -> None:
        """Delete an order for its customer, or raise ConflictError where it changed since."""
        item = await self._as_read(order)
        try:
            await self._table.remove(order.id, when=unchanged(item, _VERSION))
        except RefusedError as error:
            raise _changed(order) from error

    async def _removed(self, order_id: str, when: Precondition) -> bool:
        if not when.is_given:
            return await self._table.remove(order_id)

        async def remove(item: Item, as_read: Condition) -> bool:
            when.check(*Order.read(item).etags)
            return await self._table.remove(order_id, when=as_read)

        return bool(await self._table.optimistic_write(order_id, _VERSION, remove))

    async def _as_read(self, order: Order) -> Item:
        item = await self._table.get(order.id)
        if item is None or Order.read(item) != order:
            raise _changed(order)
        return item

    async def _scanned(self, customer: Customer) -> Pages[EncodedEntity]:
        ids = await self._scan.find(customer.key)
        for first in range(0, len(ids), BATCH):
            some = ids[first : first + BATCH]
            found = await self._table.get_many(some)
            orders = [encode_order(found[one], customer) for one in some if one in found]
            yield Page([order for order in orders if order is not None], last=False)
        yield Page([], last=True)


def _changes(stored: Item, order: Order) -> dict[str, Any]:
    item = order.item()
    changed = {name: item[name] for name in ("status", "statusHistory", "updatedAt", VERSION)}
    return amendment(stored, INDEXED_ORDERS).corrections | changed | _trace()


def _trace() -> dict[str, Any]:
    """Return what leads the pipeline from a change to the trace of its request."""
    place = current_traceparent()
    return {TRACEPARENT: place} if place else {}


def _changed(order: Order) -> ConflictError:
    return ConflictError(f"Order {order.id!r} has changed meanwhile.")
