"""Idempotency keys: one order id per key, which no caller can compute from the key."""

import contextlib
import hashlib
import re
import secrets

from cloudmart.dynamodb.internal import ORDER_SECRET, note
from cloudmart.dynamodb.table import Table
from cloudmart.errors import ConflictError, Fault, InvalidRequestError
from cloudmart.orders.requests import OrderCreate
from cloudmart.values.ids import derived_id

_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


class IdempotencyKeys:
    """Turns keys into order ids with a secret that all replicas share.

    The secret is a note in the orders table, written once by whichever replica needs it first.
    One conditional write of the order is then all that makes a key hold: no record to keep in
    step, none to expire. A key is remembered for as long as its order exists.
    """

    def __init__(self, orders: Table) -> None:
        self._orders = orders
        self._secret: bytes | None = None

    async def order_id(self, key: str) -> str:
        """Return the id of the order that belongs to a key, or raise InvalidRequestError."""
        if not _KEY.fullmatch(key):
            sentence = "An idempotency key has 1 to 255 printable ASCII characters."
            raise InvalidRequestError(
                sentence, faults=[Fault("/header/Idempotency-Key", "1 to 255 printable characters")]
            )
        if self._secret is None:
            self._secret = await self._shared_secret()
        return derived_id(self._secret, key)

    async def _shared_secret(self) -> bytes:
        stored = await self._orders.get(ORDER_SECRET)
        if stored is None:
            # Where another replica is first, its secret is everybody's.
            with contextlib.suppress(ConflictError):
                await self._orders.put(note(ORDER_SECRET, secret=secrets.token_hex()), new=True)
            stored = await self._orders.get(ORDER_SECRET)
        if stored is None:
            msg = "the secret of idempotency keys was removed while it was read"
            raise RuntimeError(msg)
        return bytes.fromhex(stored["secret"])


def digest(request: OrderCreate) -> str:
    """Return what tells one request from another: all of it that decides the order."""
    canonical = request.model_dump_json(exclude_none=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
