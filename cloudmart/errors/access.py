"""Who calls is not known, or may not do this."""

from collections.abc import Sequence
from http import HTTPStatus

from cloudmart.errors.failure import CloudmartError


class UnauthorizedError(CloudmartError):
    """No proof of who calls, or none that is believed; `WWW-Authenticate` says how to give one."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"
    example = "This needs you to sign in."

    def __init__(self, challenges: Sequence[str]) -> None:
        super().__init__(self.example)
        self.challenges = challenges


class ForbiddenError(CloudmartError):
    """Whoever it is may not do this."""

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
    """Too many wrong passwords came from one address; right ones have to wait as well."""

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
