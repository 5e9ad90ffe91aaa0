"""An issuer of tokens on loopback, like a Cognito user pool."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cloudmart.settings import AccessSettings
from tests.support.scripted_server import LoopbackServer, Reply, Request, loopback

AUDIENCE = "3n4b5urk1ft4fl3mg5e62d9ado"


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the key with a name. It is cached, because making one takes longer than most tests."""
    assert name
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """Return the key with a name."""
    assert name
    return ec.generate_private_key(ec.SECP256R1())


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str) -> dict[str, Any]:
    """Return a key in the form in which an issuer publishes it."""
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else None
    algorithm = kind or jwt.algorithms.ECAlgorithm
    jwk: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))  # type: ignore[arg-type]
    jwk.pop("key_ops", None)
    return jwk | {"kid": kid, "use": "sig", "alg": "RS256" if kind else "ES256"}


class Issuer:
    """Signs tokens, and publishes its keys."""

    def __init__(self, server: LoopbackServer) -> None:
        self._server = server
        self.url = f"{server.url}/eu-central-1_shop"
        self.keys_url = f"{self.url}/keys"
        self.keys = [public(rsa_key("first"), "first")]
        self.discovery = self.describe()
        server.answer = self._answer

    def describe(self, **changes: object) -> Reply:
        """Return a discovery document. None leaves a member out."""
        said = {"issuer": self.url, "jwks_uri": self.keys_url} | changes
        return Reply.json(200, {name: value for name, value in said.items() if value is not None})

    def _answer(self, request: Request) -> Reply:
        if request.path.endswith("/.well-known/openid-configuration"):
            return self.discovery
        return Reply.json(200, {"keys": self.keys})

    @property
    def asked(self) -> list[str]:
        """Return the requested paths."""
        return [request.path for request in self._server.requests]

    def stop(self) -> None:
        """Stop answering."""
        self._server.stop()

    def play(self, *replies: Reply) -> None:
        """Set the next answers."""
        self._server.play(*replies)

    def settings(self, **changes: Any) -> AccessSettings:  # noqa: ANN401
        """Return settings that trust this issuer."""
        told: dict[str, Any] = {"auth": ("jwt",), "issuer": self.url, "audience": (AUDIENCE,)}
        return AccessSettings(**(told | changes))

    def claims(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the claims of an identity token of Cognito. None leaves a claim out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
            "token_use": "id",
            "iat": now,
            "exp": now + 3600,
            "email": "ann@example.org",
            "email_verified": True,
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(
        self,
        *,
        key: Any = None,  # noqa: ANN401 - whatever PyJWT signs with
        algorithm: str = "RS256",
        headers: dict[str, Any] | None = None,
        admin: bool = False,
        **claims: Any,  # noqa: ANN401
    ) -> str:
        """Return a token with some claims. By default it is a valid one of a customer."""
        if admin:
            claims = {"cognito:groups": ["customers", "cloudmart-admins"]} | claims
        return jwt.encode(
            self.claims(**claims),
            key or rsa_key("first"),
            algorithm,
            headers={"kid": "first"} | (headers or {}),
        )


@contextmanager
def issuing() -> Iterator[Issuer]:
    """Run an issuer while the context lasts."""
    with loopback() as server:
        yield Issuer(server)
