"""Expected failures: each is a class with a status and a code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where (a JSON pointer, RFC 6901) and what."""

    pointer: str
    message: str


class CloudmartError(Exception):
    """An expected failure: its sentence is written for the caller, its docstring explains it.

    `example` is such a sentence, for the API's document.

    `details` carries facts a program may want (a current price); `faults` the places in the
    request that are wrong; `retry_after` the seconds after which trying again makes sense.
    """

    status: ClassVar[HTTPStatus]
    code: ClassVar[str]
    example: ClassVar[str]

    def __init__(
        self,
        sentence: str,
        *,
        details: Mapping[str, Any] | None = None,
        faults: Sequence[Fault] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(sentence)
        self.details = details
        self.faults = faults
        self.retry_after = retry_after


class UnauthorizedError(CloudmartError):
    """The request has no valid proof of who calls; `WWW-Authenticate` says how to send one."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"
    example = "This needs you to sign in."

    def __init__(self, challenges: Sequence[str]) -> None:
        super().__init__(self.example)
        self.challenges = challenges


class ForbiddenError(CloudmartError):
    """This caller may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    example = "Your account may not do this."

    def __init__(self, challenges: Sequence[str] = ()) -> None:
        super().__init__(self.example)
        self.challenges = challenges


class ReservedAddressError(CloudmartError):
    """An address at `verify.invalid` makes a test order, which administrators alone may place."""

    status = HTTPStatus.FORBIDDEN
    code = "reserved-address"
    example = "Addresses at verify.invalid are for test orders, which administrators place."

    def __init__(self) -> None:
        super().__init__(self.example)


class TooManyAttemptsError(CloudmartError):
    """Too many wrong passwords came from one address; right ones must wait, too."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too-many-attempts"
    example = "There were too many attempts to sign in. Please try again in 42 s."

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(
            f"There were too many attempts to sign in. Please try again in {retry_after} s.",
            retry_after=retry_after,
        )


class CrossOriginError(CloudmartError):
    """A page of another origin may change nothing here; CORS_ALLOWED_ORIGINS names those that may.

    Its requests would carry a password that the browser remembers, without its user knowing.
    """

    status = HTTPStatus.FORBIDDEN
    code = "cross-origin"
    example = "Pages of this origin may not change anything here."

    def __init__(self) -> None:
        super().__init__(self.example)


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
    example = "This has changed since you read it. Read it again before you change it."

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


class UpstreamError(CloudmartError):
    """A provider of AI failed. What it said goes to the log only."""


class ProviderFailedError(UpstreamError):
    """A provider was reached, but gave no usable answer."""

    status = HTTPStatus.BAD_GATEWAY
    code = "ai-failed"
    example = "The assistant gave no usable answer: it broke off."

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(f"{provider} gave no usable answer: {reason}.")


class ProviderUnavailableError(UpstreamError):
    """A provider cannot be reached, or accepts no more requests for a while."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "ai-unavailable"
    example = "OpenAI accepts no more requests at the moment; try again in 5 s."

    def __init__(
        self, provider: str, state: str = "accepts no more requests", *, retry_after: int = 5
    ) -> None:
        super().__init__(
            f"{provider} {state} at the moment; try again in {retry_after} s.",
            retry_after=retry_after,
        )


class ProviderTimeoutError(UpstreamError):
    """A provider did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "ai-timeout"
    example = "The assistant did not answer in time."

    def __init__(self, provider: str) -> None:
        super().__init__(f"{provider} did not answer in time.")


class ProviderMisconfiguredError(UpstreamError):
    """A provider refuses this service: a key, a role, a model or an id in its settings is wrong."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "ai-misconfigured"
    example = "OpenAI refuses this service: OPENAI_API_KEY must be corrected."

    def __init__(self, provider: str, setting: str) -> None:
        super().__init__(f"{provider} refuses this service: {setting} must be corrected.")


class ProviderDisabledError(UpstreamError):
    """A provider is not configured here, or was switched off; the sentence says which setting."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "ai-disabled"
    example = "OpenAI is not configured: set OPENAI_API_KEY."


class UnknownConversationError(NotFoundError):
    """No conversation has that id: it has expired, or never existed. Start another."""

    code = "unknown-conversation"
    example = "This conversation is over. Please start a new one."

    def __init__(self) -> None:
        CloudmartError.__init__(self, self.example)


class ConversationBusyError(ConflictError):
    """An earlier message of the conversation is still being answered."""

    code = "conversation-busy"
    example = "Your last message is still being answered. Please send the next one after that."

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(self.example, retry_after=retry_after)


class TokensSpentError(CloudmartError):
    """One conversation, or all of them in a day, have used all the tokens that they may use."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "ai-tokens-spent"
    example = "The assistant has reached its limit for today. Please come back tomorrow."


class TooManyRequestsError(CloudmartError):
    """A client has reached its limit of requests a minute, which `RateLimit-Limit` tells."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too-many-requests"
    example = "You have asked for this too often. Please try again in 7 s."

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(
            f"You have asked for this too often. Please try again in {retry_after} s.",
            retry_after=retry_after,
        )


class TooManyLookupsError(CloudmartError):
    """A client has asked for too many orders that do not exist: it may be guessing ids."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too-many-lookups"
    example = "You have asked for too many orders that do not exist. Please try again in an hour."

    def __init__(self) -> None:
        super().__init__(self.example, retry_after=3600)


class SlowBodyError(CloudmartError):
    """The body came at less than 1 KiB a second, or not within a minute."""

    status = HTTPStatus.REQUEST_TIMEOUT
    code = "body-too-slow"
    example = "The body did not come in time."

    def __init__(self) -> None:
        super().__init__(self.example)


class UnavailableError(CloudmartError):
    """Something the answer depends on is down or overloaded; the same request may work soon."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    example = "The shop's data store does not answer at the moment. Please try again."

    def __init__(self, sentence: str, *, retry_after: int = 2) -> None:
        super().__init__(sentence, retry_after=retry_after)


class OverloadedError(UnavailableError):
    """More is asked of this process than it can do at once; the same request may work soon."""

    code = "overloaded"
    example = "The shop is very busy at the moment. Please try again."

    def __init__(self, *, retry_after: int = 2) -> None:
        super().__init__(self.example, retry_after=retry_after)
