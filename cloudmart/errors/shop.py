"""What is asked for contradicts the shop."""

from http import HTTPStatus

from cloudmart.errors.failure import CloudmartError


class NotFoundError(CloudmartError):
    """No item has that id."""

    status = HTTPStatus.NOT_FOUND
    code = "not-found"
    example = "Order '23456789abcdefgh' does not exist."

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"{kind} {key!r} does not exist.")


class ConflictError(CloudmartError):
    """The request contradicts what is stored now."""

    status = HTTPStatus.CONFLICT
    code = "conflict"
    example = "'23456789abcdefgh' is already taken."


class IdempotencyKeyTakenError(ConflictError):
    """An idempotency key came again with a guest's order, from another client than before."""

    code = "idempotency-key-taken"
    example = "This Idempotency-Key was used by somebody else. Send a new key."

    def __init__(self) -> None:
        super().__init__(self.example)


class PreconditionFailedError(CloudmartError):
    """The item has changed since the client read it: its `ETag` is not one of `If-Match`."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "precondition-failed"
    example = "This has changed since you read it. Read it again, and decide anew."

    def __init__(self, etag: str) -> None:
        super().__init__(self.example, details={"etag": etag})


class PriceChangedError(ConflictError):
    """The price or total in the request is not the catalogue's any more."""

    code = "price-changed"
    example = "The price of product '1' is 24.99 now."


class InvalidRequestError(CloudmartError):
    """The request has the right form but cannot be carried out as it stands."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid-request"
    example = "The request is not valid: /items/0/quantity: is not a whole number"


class ItemTooLargeError(InvalidRequestError):
    """What is stored would grow beyond the 400 kB that one item may have."""

    code = "item-too-large"


class UnknownProductError(InvalidRequestError):
    """An order names a product the catalogue does not have."""

    code = "unknown-product"
    example = "There is no product '999'."


class IdempotencyKeyReusedError(InvalidRequestError):
    """An idempotency key came again with another request."""

    code = "idempotency-key-reused"
    example = "This Idempotency-Key was used for another order. Send a new key for a new order."
