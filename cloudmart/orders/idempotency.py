"""Idempotency keys: one order id per key, which no caller can compute from the key."""

import hashlib
import hmac
import re

from cloudmart.dynamodb.secret import SharedSecret
from cloudmart.errors import Fault, InvalidRequestError
from cloudmart.orders.requests import OrderCreate
from cloudmart.values.ids import derived_id

_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


class IdempotencyKeys:
    """Turns keys into order ids with a secret that all replicas share.

    One conditional write of the order is then all that makes a key hold: no record to keep in
    step, none to expire. A key is remembered for as long as its order exists.
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


def digest(request: OrderCreate) -> str:
    """Return what tells one request from another: all of it that decides the order."""
    canonical = request.model_dump_json(exclude_none=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
