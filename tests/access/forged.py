"""Every known way to forge a token, by its fault."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.token_issuer import AUDIENCE, Issuer, ec_key, public, rsa_key

Forge = Callable[[Issuer], str]

ADMIN: dict[str, Any] = {"cognito:groups": ["customers", "cloudmart-admins"]}
NOW = int(time.time())
PEM = rsa_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
EVIL = public(rsa_key("evil"), "evil")


def part(value: object) -> str:
    """Return a part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(header: object) -> Forge:
    """Return a function that makes a token with a header and no signature."""
    return lambda issuer: f"{part(header)}.{part(issuer.claims(**ADMIN))}."


def by_hmac(issuer: Issuer, secret: bytes, algorithm: str = "HS256") -> str:
    """Return a token signed with a value that is no secret; PyJWT would refuse to make it."""
    text = unsigned({"alg": algorithm, "kid": "first"})(issuer)[:-1]
    return f"{text}.{part(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def headed(**headers: Any) -> Forge:  # noqa: ANN401 - any JSON
    """Return a function that makes a token with some headers, signed with another key."""
    return lambda issuer: issuer.token(key=rsa_key("evil"), headers=headers, admin=True)


def pointing(header: str) -> Forge:
    """Return a function that makes a token with an address at which its key should be fetched."""
    return lambda issuer: headed(kid="evil", **{header: f"{issuer.url}/evil"})(issuer)


def claiming(**claims: Any) -> Forge:  # noqa: ANN401 - any JSON
    """Return a function that makes a token with some claims, signed with the issuer's key."""
    return lambda issuer: issuer.token(admin=True, **claims)


def signed(claims: object) -> str:
    """Return a token with any payload, signed with the issuer's key."""
    raw = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jwt.api_jws.encode(raw, rsa_key("first"), "RS256", {"kid": "first"})


def exchanged(issuer: Issuer) -> str:
    """Return a customer's token into which an administrator's claims were put."""
    header, _, signature = issuer.token().split(".")
    return f"{header}.{part(issuer.claims(**ADMIN))}.{signature}"


FORGED: dict[str, Forge] = {
    "alg none": unsigned({"alg": "none", "kid": "first"}),
    "alg None": unsigned({"alg": "None", "kid": "first"}),
    "alg NONE": unsigned({"alg": "NONE", "kid": "first"}),
    "alg nOnE": unsigned({"alg": "nOnE", "kid": "first"}),
    "an empty alg": unsigned({"alg": "", "kid": "first"}),
    "no alg": unsigned({"kid": "first"}),
    "alg a list": unsigned({"alg": ["RS256"], "kid": "first"}),
    "the right alg, unsigned": unsigned({"alg": "RS256", "kid": "first"}),
    "HMAC by the public key": lambda issuer: by_hmac(issuer, PEM),
    "HMAC by the published key": lambda issuer: by_hmac(
        issuer, json.dumps(issuer.keys[0]).encode()
    ),
    "HMAC by the modulus": lambda issuer: by_hmac(issuer, issuer.keys[0]["n"].encode()),
    "HMAC by nothing": lambda issuer: by_hmac(issuer, b""),
    "HMAC that calls itself RS256": lambda issuer: by_hmac(issuer, PEM, "RS256"),
    "RS512, which is not the one": lambda issuer: issuer.token(algorithm="RS512", admin=True),
    "PS256, which is not the one": lambda issuer: issuer.token(algorithm="PS256", admin=True),
    "ES256, which is not the one": lambda issuer: issuer.token(
        algorithm="ES256", key=ec_key("evil"), admin=True
    ),
    "another's key": headed(),
    "an unknown kid": headed(kid="second"),
    "no kid": lambda issuer: jwt.encode(issuer.claims(**ADMIN), rsa_key("first"), "RS256"),
    "an empty kid": headed(kid=""),
    "a kid that is a path": headed(kid="../../../../../../dev/null"),
    "a kid that is a file": headed(kid="file:///etc/passwd"),
    "a kid that is a query": headed(kid="first' UNION SELECT 'x"),
    "a kid with a NUL": headed(kid="first\x00"),
    "a kid that is long": headed(kid="k" * 4000),
    "a kid that is a number": unsigned({"alg": "RS256", "kid": 1}),
    "a kid that is an object": unsigned({"alg": "RS256", "kid": {"first": 1}}),
    "a jwk of its own": headed(kid="evil", jwk=EVIL),
    "a jwk of its own under our kid": headed(jwk=EVIL),
    "a jku": pointing("jku"),
    "an x5u": pointing("x5u"),
    "an x5c": headed(kid="evil", x5c=["MIIB"]),
    "a crit nobody knows": lambda issuer: issuer.token(headers={"crit": ["x"], "x": 1}, admin=True),
    "b64 off": unsigned({"alg": "RS256", "kid": "first", "b64": False, "crit": ["b64"]}),
    "another type": lambda issuer: issuer.token(headers={"typ": "logout+jwt"}, admin=True),
    "expired": claiming(exp=NOW - 3600),
    "expired by more than clocks differ": claiming(exp=NOW - 31),
    "not valid yet": claiming(nbf=NOW + 3600),
    "issued in the future": claiming(iat=NOW + 3600),
    "no exp": claiming(exp=None),
    "an exp that is no number": claiming(exp="tomorrow"),
    "an exp without end": lambda _: signed({"exp": float("inf"), "iss": "x", "sub": "x"}),
    "an exp that is NaN": lambda _: signed({"exp": float("nan"), "iss": "x", "sub": "x"}),
    "an exp that is a list": claiming(exp=[NOW + 3600]),
    "another audience": claiming(aud="another"),
    "other audiences": claiming(aud=["another", f"{AUDIENCE}x"]),
    "an audience that is an object": claiming(aud={AUDIENCE: 1}),
    "an audience that is null": lambda issuer: signed(
        issuer.claims(**ADMIN) | {"aud": None, "client_id": AUDIENCE}
    ),
    "no audience": claiming(aud=None),
    "another client": claiming(aud=None, client_id="another"),
    "another audience though our client": claiming(aud="another", client_id=AUDIENCE),
    "another issuer": claiming(iss="https://evil.example.org"),
    "an issuer that begins like ours": lambda issuer: issuer.token(
        iss=f"{issuer.url}.evil", admin=True
    ),
    "our issuer with a slash more": lambda issuer: issuer.token(iss=f"{issuer.url}/", admin=True),
    "several issuers": lambda issuer: signed(issuer.claims(**ADMIN) | {"iss": [issuer.url]}),
    "no issuer": claiming(iss=None),
    "no subject": claiming(sub=None),
    "a subject that is a number": lambda issuer: signed(issuer.claims(**ADMIN) | {"sub": 1}),
    "10 kB": claiming(filler="x" * 10_000),
    "one part": lambda _: "x",
    "two parts": lambda issuer: issuer.token(admin=True).rpartition(".")[0],
    "four parts": lambda issuer: f"{issuer.token(admin=True)}.x",
    "five parts, encrypted": lambda _: f"{part({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.a.b.c.d",
    "nothing": lambda _: "",
    "dots": lambda _: "..",
    "no signature": lambda issuer: issuer.token(admin=True).rpartition(".")[0] + ".",
    "half a signature": lambda issuer: issuer.token(admin=True)[:-170],
    "claims exchanged": exchanged,
    "claims that are a list": lambda _: signed([]),
    "claims that are no JSON": lambda _: signed(b"{"),
    "claims without a bottom": lambda _: signed(b"[" * 4000),
    "claims that are no text": lambda _: signed(b"\xff\xfe"),
    "a header that is a list": unsigned([]),
    "a header without a bottom": lambda _: f"{part(b'[' * 4000)}.e30.x",
    "other dots": lambda issuer: issuer.token(admin=True).replace(".", "\u2024"),
}
