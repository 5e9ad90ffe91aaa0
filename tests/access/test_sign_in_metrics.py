"""The metrics of checked credentials."""

import pytest

from cloudmart.access.authentication import Authentication, Caller
from cloudmart.access.rights import Right
from cloudmart.errors import CloudmartError, UnauthorizedError, UnavailableError
from tests.support.metric_samples import sample


class Known:
    """Knows one administrator. For any other name the check fails with an error."""

    def challenge(self, *, tried: bool) -> str:
        """Return the challenge of the scheme."""
        return f"Known tried={tried}"

    async def identify(self, credentials: str, client: str) -> Caller | None:  # noqa: ARG002
        """Return the caller."""
        if credentials == "away":
            raise UnavailableError("The issuer")
        return Caller(admin=True, name="ann") if credentials == "ann" else None

    async def close(self) -> None:
        """Release nothing."""


@pytest.mark.parametrize(
    ("credentials", "outcome", "error"),
    [
        ("ann", "accepted", None),
        ("ben", "refused", UnauthorizedError),
        ("away", UnavailableError.code, UnavailableError),
    ],
)
async def test_credentials_are_counted_by_what_came_of_them(
    credentials: str, outcome: str, error: type[CloudmartError] | None
) -> None:
    gate = Authentication({"known": Known()}, signed_in=False)
    headers = [(b"authorization", f"Known {credentials}".encode())]
    scope = {"type": "http", "headers": headers, "state": {"client": "203.0.113.9"}}
    before = sample("sign_ins_total", scheme="known", outcome=outcome)

    if error is None:
        await gate.admit(scope, Right.ADMIN)
    else:
        with pytest.raises(error):
            await gate.admit(scope, Right.ADMIN)

    assert sample("sign_ins_total", scheme="known", outcome=outcome) == before + 1
