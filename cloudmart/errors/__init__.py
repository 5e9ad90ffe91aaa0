"""What may go wrong and is nobody's bug: each failure is a class with a status and a code."""

from cloudmart.errors.access import (
    CrossOriginError,
    ForbiddenError,
    ReservedAddressError,
    TooManyAttemptsError,
    UnauthorizedError,
)
from cloudmart.errors.assistants import (
    ConversationBusyError,
    ProviderDisabledError,
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    TokensSpentError,
    UnknownConversationError,
    UpstreamError,
)
from cloudmart.errors.failure import CloudmartError, Fault
from cloudmart.errors.shop import (
    ConflictError,
    IdempotencyKeyReusedError,
    IdempotencyKeyTakenError,
    InvalidRequestError,
    ItemTooLargeError,
    NotFoundError,
    PreconditionFailedError,
    PriceChangedError,
    UnknownProductError,
)
from cloudmart.errors.traffic import (
    OverloadedError,
    SlowBodyError,
    TooManyLookupsError,
    TooManyRequestsError,
    UnavailableError,
)

__all__ = [
    "CloudmartError",
    "ConflictError",
    "ConversationBusyError",
    "CrossOriginError",
    "Fault",
    "ForbiddenError",
    "IdempotencyKeyReusedError",
    "IdempotencyKeyTakenError",
    "InvalidRequestError",
    "ItemTooLargeError",
    "NotFoundError",
    "OverloadedError",
    "PreconditionFailedError",
    "PriceChangedError",
    "ProviderDisabledError",
    "ProviderFailedError",
    "ProviderMisconfiguredError",
    "ProviderTimeoutError",
    "ProviderUnavailableError",
    "ReservedAddressError",
    "SlowBodyError",
    "TokensSpentError",
    "TooManyAttemptsError",
    "TooManyLookupsError",
    "TooManyRequestsError",
    "UnauthorizedError",
    "UnavailableError",
    "UnknownConversationError",
    "UnknownProductError",
    "UpstreamError",
]
