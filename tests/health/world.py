"""Everything that a pod depends on, and the ways in which each part fails in clusters."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudmart.settings import Settings
from tests.support.aws import aws_client
from tests.support.fault_proxy import Fault, FaultProxy, Refusal

# The account of the credentials with which the tests create the tables.
ROLE = "arn:aws:iam::123456789012:role/cloudmart-eks-pod-role"
ISSUER = "https://oidc.eks.us-east-1.amazonaws.com/id/D0E1F2"
ASSUME = "AssumeRoleWithWebIdentity"


def token(subject: str = "system:serviceaccount:default:cloudmart-backend-sa") -> str:
    """Return a ServiceAccount's token, with the parts that are read here."""
    claims = {"iss": ISSUER, "sub": subject, "aud": ["sts.amazonaws.com"]}
    parts = [{"alg": "RS256"}, claims, {"signature": "none"}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)


def expiring_in(seconds: float) -> Callable[[bytes], bytes]:
    """Return a function that changes the expiry of STS's credentials."""

    def rewrite(body: bytes) -> bytes:
        end = f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S.%fZ}"
        return re.sub(b"(?<=<Expiration>)[^<]+", end.encode(), body)

    return rewrite


@dataclass(frozen=True, slots=True)
class World:
    """STS and DynamoDB, each behind a proxy that can fail; the token; the settings."""

    sts: FaultProxy
    dynamodb: FaultProxy
    token_file: Path
    settings: Settings
    patch: pytest.MonkeyPatch

    def with_patience(self, seconds: float) -> Settings:
        """Return the settings with another STARTUP_TIMEOUT."""
        startup = self.settings.startup.model_copy(update={"timeout": seconds})
        return self.settings.model_copy(update={"startup": startup})

    def anonymous(self, text: str) -> str:
        """Return a text without the parts that differ between tests and engines."""
        text = text.replace(self.settings.dynamodb.orders_table.removesuffix("-orders"), "shop")
        text = text.replace(str(self.token_file), "/token")
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:port", text)
        return re.sub(
            r"((NotFound|Validation)Exception\) when calling the \w+ operation:).*", r"\1 …", text
        )


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault: how a test causes it, how it ends, and its cause in the log."""

    cause: str
    bring: Callable[[World], object]
    lift: Callable[[World], object] = lambda _: None


def _sts(cause: str, fault: Fault | Refusal) -> Trouble:
    return Trouble(cause, lambda world: world.sts.fail(fault, ASSUME), lambda it: it.sts.heal())


def _table(cause: str, fault: Fault | Refusal) -> Trouble:
    return Trouble(cause, lambda it: it.dynamodb.fail(fault), lambda it: it.dynamodb.heal())


def _garble(world: World) -> None:
    world.dynamodb.rewrite = lambda _: b'{"Item": "a lamp"}'


def _ungarble(world: World) -> None:
    world.dynamodb.rewrite = bytes


def _drop_orders(world: World) -> None:
    _store(world).delete_table(TableName=world.settings.dynamodb.orders_table)


def _make_orders(world: World) -> None:
    _make(world, "id")


def _make_orders_of_another_shape(world: World) -> None:
    _drop_orders(world)
    _make(world, "orderId")


def _make(world: World, key: str) -> None:
    _store(world).create_table(
        TableName=world.settings.dynamodb.orders_table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
    )


def _store(world: World) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    return aws_client(
        "dynamodb",
        endpoint_url=world.dynamodb.engine,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - no secret
    )


PASSING: Mapping[str, Trouble] = {
    "the account has no provider for the cluster": _sts(
        "cluster-unknown",
        Refusal(
            400,
            "InvalidIdentityToken",
            f"No OpenIDConnect provider found in your account for {ISSUER}",
        ),
    ),
    "the token has another audience": _sts(
        "token-refused", Refusal(400, "InvalidIdentityToken", "Incorrect token audience")
    ),
    "the token has expired": _sts(
        "token-expired", Refusal(400, "ExpiredTokenException", "Token expired: 1795446000")
    ),
    "the cluster's provider does not answer AWS": _sts(
        "issuer-away", Refusal(400, "IDPCommunicationError", "The identity provider timed out")
    ),
    "the role does not trust the ServiceAccount": _sts(
        "role-denied",
        Refusal(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
    ),
    "sts throttles": _sts("sts-throttled", Refusal(400, "Throttling", "Rate exceeded")),
    "sts fails": _sts("sts-failing", Refusal(500, "InternalFailure", "Internal failure")),
    "sts resets connections": _sts("sts-away", Fault.RESET),
    "sts refuses connections": Trouble(
        "sts-away", lambda world: world.sts.stop(), lambda world: world.sts.start()
    ),
    "the token's file comes late": Trouble(
        "token-missing",
        lambda world: world.token_file.unlink(),
        lambda world: world.token_file.write_text(token()),
    ),
    "the token's file is empty": Trouble(
        "token-empty",
        lambda world: world.token_file.write_text(""),
        lambda world: world.token_file.write_text(token()),
    ),
    "a table is missing": Trouble("table-missing", _drop_orders, _make_orders),
    "a table is denied": _table(
        "table-denied",
        Refusal(400, "AccessDeniedException", "is not authorized to perform: dynamodb:GetItem"),
    ),
    "the store throttles": _table("table-throttled", Fault.THROTTLED),
    "the store's key cannot be used": _table("table-locked", Fault.LOCKED),
    "a page answers in the store's place": _table("intercepted", Fault.PAGE),
    "a page answers in STS's place": _sts("sts-failing", Fault.PAGE),
    "the store answers nonsense": Trouble("unknown", _garble, _ungarble),
    "the store fails": _table("table-failing", Fault.BROKEN),
    "the store is away": Trouble(
        "table-away", lambda world: world.dynamodb.stop(), lambda world: world.dynamodb.start()
    ),
    "the credentials are not known everywhere yet": _table(
        "credentials-refused",
        Refusal(400, "UnrecognizedClientException", "The security token is invalid."),
    ),
    "the clock is wrong": _table(
        "clock-wrong",
        Refusal(400, "InvalidSignatureException", "Signature expired: 20261123T1000Z is now"),
    ),
}
"""Faults that end by themselves, or by a person's action while the start waits."""

HOPELESS: Mapping[str, Trouble] = {
    "no role is named": Trouble(
        "role-unset",
        lambda world: world.patch.delenv("AWS_ROLE_ARN"),
    ),
    "half a pair of keys is set": Trouble(
        "credentials-half-set",
        lambda world: world.patch.setenv("AWS_ACCESS_KEY_ID", "AKIA"),
    ),
    "a table has another key": Trouble("table-other-key", _make_orders_of_another_shape),
}
"""Faults for which waiting does not help."""
