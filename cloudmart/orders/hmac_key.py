"""A secret that all replicas share, and nobody has to configure."""

import contextlib
import secrets

import structlog

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.table import Table
from cloudmart.errors import ConflictError, UnavailableError
from cloudmart.orders.internal_items import ORDER_SECRET
from cloudmart.values.timestamp import now, stamp

_log = structlog.stdlib.get_logger(__name__)

_AWAY = (
    "Orders with an Idempotency-Key cannot be placed at the moment: the conversations table, which "
    "they need, does not answer. Please try again; orders without a key are accepted."
)
_UNREADABLE = (
    "Orders with an Idempotency-Key cannot be placed: the secret that their ids are made from "
    "cannot be read. Orders without a key are accepted."
)
_SHORTEST = 16
"""Bytes without which a secret could be guessed."""


class SharedSecret:
    """A note in the conversations table, written once by the first replica that needs it.

    Older releases kept it in the orders table. It is copied from there, for the same key must make
    the same order.
    """

    def __init__(self, notes: Table, orders: Table) -> None:
        self._notes = notes
        self._orders = orders
        self._secret: bytes | None = None

    async def read(self) -> bytes:
        """Return the secret, which a process keeps, or raise UnavailableError."""
        if self._secret is None:
            self._secret = await self._shared()
        return self._secret

    async def _noted(self) -> Item | None:
        try:
            return await self._notes.get(ORDER_SECRET)
        except UnavailableError as error:
            # If the orders cannot be read either, the whole store is down.
            await self._orders.get(ORDER_SECRET)
            raise UnavailableError(_AWAY) from error

    async def _shared(self) -> bytes:
        stored = await self._noted()
        if stored is None:
            former = await self._orders.get(ORDER_SECRET)
            secret = _read(former).hex() if former else secrets.token_hex()
            note = {"id": ORDER_SECRET, "secret": secret, "createdAt": stamp(now())}
            # If another replica is first, all use its secret.
            with contextlib.suppress(ConflictError):
                await self._notes.put(note, new=True)
            stored = await self._notes.get(ORDER_SECRET)
        if stored is None:
            # Removed while it was read, or never stored, whatever the store said.
            raise UnavailableError(_AWAY)
        return _read(stored)


def _read(note: Item) -> bytes:
    try:
        secret = bytes.fromhex(note["secret"])
    except (KeyError, TypeError, ValueError):
        secret = b""
    if len(secret) < _SHORTEST:
        _log.error(
            "order_secret_not_readable",
            item=ORDER_SECRET,
            next_step=(
                "restore the secret's item, in the conversations or the orders table, from a backup"
            ),
        )
        raise UnavailableError(_UNREADABLE)
    return secret
