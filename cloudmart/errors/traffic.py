"""Too much, too slow, or not at the moment."""

from http import HTTPStatus

from cloudmart.errors.failure import CloudmartError


class TooManyRequestsError(CloudmartError):
    """A client has asked as much as it may in a minute; `RateLimit-Limit` says how much that is."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too-many-requests"
    example = "You have asked for this too often. Please try again in 7 s."

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(
            f"You have asked for this too often. Please try again in {retry_after} s.",
            retry_after=retry_after,
        )


class TooManyLookupsError(CloudmartError):
    """A client has asked for too many orders that do not exist, as one who guesses does."""

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
    """Something the answer depends on is away or overloaded; the same request may work soon."""

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
