"""A secret that all replicas share, and nobody has to configure."""

import contextlib
import secrets

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.internal import ORDER_SECRET
from cloudmart.dynamodb.table import Table
from cloudmart.errors import ConflictError, UnavailableError
from cloudmart.values.timestamp import now, stamp

_AWAY = (
    "Orders with an Idempotency-Key cannot be placed at the moment: the conversations table, which "
    "they need, does not answer. Please try again; orders without a key are taken."
)


class SharedSecret:
    """A note among the conversations, written once by whichever replica needs it first.

    Releases before kept it among the orders, where it is copied from: the same key has to make
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
            # Where the orders cannot be read either, it is all of the store that is away.
            await self._orders.get(ORDER_SECRET)
            raise UnavailableError(_AWAY) from error

    async def _shared(self) -> bytes:
        stored = await self._noted()
        if stored is None:
            former = await self._orders.get(ORDER_SECRET)
            secret = former["secret"] if former else secrets.token_hex()
            note = {"id": ORDER_SECRET, "secret": secret, "createdAt": stamp(now())}
            # Where another replica is first, its secret is everybody's.
            with contextlib.suppress(ConflictError):
                await self._notes.put(note, new=True)
            stored = await self._notes.get(ORDER_SECRET)
        if stored is None:
            msg = "the secret that replicas share was removed while it was read"
            raise RuntimeError(msg)
        return bytes.fromhex(stored["secret"])
