"""Accepted tokens, and every known way to forge one."""

import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.access.conftest import OpenShop
from tests.access.forged import FORGED
from tests.support.problems import is_problem
from tests.support.token_issuer import AUDIENCE, Issuer, ec_key, issuing, public, rsa_key


@pytest.fixture
def client(open_shop: OpenShop, issuer: Issuer) -> TestClient:
    """Provide a client of a shop that trusts the issuer."""
    return open_shop(issuer.settings(admin_scope="cloudmart/admin"))


def as_bearer(client: TestClient, token: str) -> Response:
    """Call a route for administrators with a token."""
    return client.get("/api/orders", headers=[(b"Authorization", f"Bearer {token}".encode())])


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_token_opens_nothing(how: str, client: TestClient, issuer: Issuer) -> None:
    answer = as_bearer(client, FORGED[how](issuer))

    is_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="CloudMart", error="invalid_token"'
    assert as_bearer(client, issuer.token(admin=True)).status_code == 200
    assert set(issuer.asked) == {
        "/eu-central-1_shop/.well-known/openid-configuration",
        "/eu-central-1_shop/keys",
    }


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": ["another", AUDIENCE]},
        {"aud": None, "client_id": AUDIENCE, "token_use": "access"},
        {"exp": -5},
        {"nbf": 20},
        {"cognito:groups": None, "scope": "openid cloudmart/admin"},
        {"cognito:groups": "cloudmart-admins"},
    ],
    ids=str,
)
def test_a_good_token_of_an_administrator_is_believed(
    claims: dict[str, Any], client: TestClient, issuer: Issuer
) -> None:
    # The times count from now on.
    for name in {"exp", "nbf"} & claims.keys():
        claims = claims | {name: int(time.time()) + claims[name]}

    assert as_bearer(client, issuer.token(admin=True, **claims)).status_code == 200


@pytest.mark.parametrize("kid", ["first", "another", ""])
def test_a_token_is_believed_that_a_key_without_an_id_signed(kid: str, open_shop: OpenShop) -> None:
    with issuing() as issuer:
        issuer.keys = [public(rsa_key(each), "") for each in ("second", "first")]
        for key in issuer.keys:
            del key["kid"]
        issuer.keys.append(public(rsa_key("other"), "other"))
        client = open_shop(issuer.settings())
        good = issuer.token(admin=True, headers={"kid": kid})
        forged = issuer.token(admin=True, headers={"kid": kid}, key=rsa_key("stranger"))

        assert as_bearer(client, good).status_code == 200
        is_problem(as_bearer(client, forged), 401)


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/at+jwt", "AT+JWT"])
def test_a_token_may_say_its_type_in_each_of_its_forms(
    typ: str, client: TestClient, issuer: Issuer
) -> None:
    assert as_bearer(client, issuer.token(headers={"typ": typ}, admin=True)).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"cognito:groups": ["Cloudmart-Admins", "cloudmart-admins2", "cloudmart"]},
        {"cognito:groups": {"cloudmart-admins": True}},
        {"cognito:groups": "cloudmart-admins customers"},
        {"groups": ["cloudmart-admins"]},
        {"scope": "cloudmart/administrator"},
        {"scope": ["cloudmart/admin"]},
        {"cognito:username": "cloudmart-admins", "sub": "cloudmart-admins"},
    ],
    ids=str,
)
def test_a_good_token_of_anybody_else_is_403(
    claims: dict[str, Any], client: TestClient, issuer: Issuer
) -> None:
    answer = as_bearer(client, issuer.token(**claims))

    assert is_problem(answer, 403)["type"] == "/api/problems/forbidden"
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("claims", "asked", "code"),
    [
        ({}, "ann@example.org", 200),
        ({"email": "Ann@Example.org"}, "ann@example.org", 200),
        ({}, "ANN@EXAMPLE.ORG", 200),
        ({"email": "ann+shop@example.org"}, "ann+shop@example.org", 200),
        ({"email_verified": "true"}, "ann@example.org", 200),
        ({}, "bob@example.org", 403),
        ({}, "ann@example.org.evil.org", 403),
        ({}, "ann@example.orgx", 403),
        ({"email_verified": False}, "ann@example.org", 403),
        ({"email_verified": "false"}, "ann@example.org", 403),
        ({"email_verified": None}, "ann@example.org", 403),
        ({"email_verified": 1}, "ann@example.org", 403),
        ({"email": None}, "ann@example.org", 403),
        ({"email": ["ann@example.org"]}, "ann@example.org", 403),
        # The Kelvin sign is not a k, but Unicode's lower case turns it into one.
        ({"email": "\u212aim@example.org"}, "kim@example.org", 403),
        ({"email": "stra\u00dfe@example.org"}, "strasse@example.org", 403),
    ],
)
def test_customers_see_the_orders_of_their_own_verified_address(
    claims: dict[str, Any], asked: str, code: int, client: TestClient, issuer: Issuer
) -> None:
    headers = {"Authorization": f"Bearer {issuer.token(**claims)}"}

    # First as the storefront sends it, then in the correct form.
    raw = client.get(f"/api/orders/user?email={asked}", headers=headers)
    encoded = client.get("/api/orders/user", params={"email": asked}, headers=headers)

    assert (raw.status_code, encoded.status_code) == (code, code)


def test_of_two_addresses_in_one_request_the_one_that_is_looked_up_is_checked(
    client: TestClient, issuer: Issuer
) -> None:
    headers = {"Authorization": f"Bearer {issuer.token()}"}
    both = "email={}&email={}"
    mine, theirs = "ann@example.org", "bob@example.org"

    codes = [
        client.get(f"/api/orders/user?{both.format(*pair)}", headers=headers).status_code
        for pair in ((mine, theirs), (theirs, mine))
    ]

    assert codes == [403, 200]


def test_one_algorithm_is_believed_whichever_it_is(open_shop: OpenShop, issuer: Issuer) -> None:
    issuer.keys.append(public(ec_key("curve"), "curve"))
    client = open_shop(issuer.settings(algorithm="ES256"))
    good = issuer.token(
        key=ec_key("curve"), algorithm="ES256", headers={"kid": "curve"}, admin=True
    )

    assert as_bearer(client, good).status_code == 200
    assert as_bearer(client, issuer.token(admin=True)).status_code == 401
    assert as_bearer(client, issuer.token(headers={"kid": "curve"}, admin=True)).status_code == 401
