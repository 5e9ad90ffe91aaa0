"""A secret that all replicas share, and nobody has to configure."""

import contextlib
import secrets

from cloudmart.dynamodb.internal import ORDER_SECRET, note
from cloudmart.dynamodb.table import Table
from cloudmart.errors import ConflictError


class SharedSecret:
    """A note in the orders table, written once by whichever replica needs it first."""

    def __init__(self, orders: Table) -> None:
        self._orders = orders
        self._secret: bytes | None = None

    async def read(self) -> bytes:
        """Return the secret."""
        if self._secret is None:
            self._secret = await self._shared()
        return self._secret

    async def _shared(self) -> bytes:
        stored = await self._orders.get(ORDER_SECRET)
        if stored is None:
            # Where another replica is first, its secret is everybody's.
            with contextlib.suppress(ConflictError):
                await self._orders.put(note(ORDER_SECRET, secret=secrets.token_hex()), new=True)
            stored = await self._orders.get(ORDER_SECRET)
        if stored is None:
            msg = "the secret that replicas share was removed while it was read"
            raise RuntimeError(msg)
        return bytes.fromhex(stored["secret"])
