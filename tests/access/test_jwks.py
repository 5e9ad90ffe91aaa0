"""An issuer's keys: rotated, away, slow, endless, and wrong."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.access.jwks import FLOOR, FRESH, STALE, KeyRing
from cloudmart.app import create_app
from cloudmart.errors import UnavailableError
from cloudmart.settings import Algorithm, Settings
from tests.support.clock import Clock
from tests.support.issuer import Issuer, ec_key, issuing, public, rsa_key
from tests.support.loopback import Fault, Reply
from tests.support.problems import is_problem
from tests.support.serving import serving, still

GOOD = Reply.json(200, {"keys": [public(rsa_key("first"), "first")]})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Give an issuer of the test's own."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    """Give the time the keys live by."""
    return Clock()


@pytest.fixture
async def keys(issuer: Issuer, clock: Clock) -> AsyncIterator[KeyRing]:
    """Give the issuer's keys."""
    ring = KeyRing(issuer.url, Algorithm.RS256, monotonic=lambda: clock.seconds)
    yield ring
    await ring.close()


async def test_keys_are_asked_for_once_however_many_want_them(
    keys: KeyRing, issuer: Issuer
) -> None:
    found = await asyncio.gather(*(keys.find("first") for _ in range(20)))

    assert len(set(map(id, found))) == 1
    assert found[0] is not None
    assert len(issuer.asked) == 1


async def test_a_new_key_is_found_when_a_token_names_it(
    keys: KeyRing, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.keys = [public(rsa_key("second"), "second")]
    clock.advance(FLOOR)

    assert await keys.find("second")
    assert await keys.find("first") is None


async def test_whatever_callers_send_the_issuer_is_asked_every_ten_seconds_at_most(
    keys: KeyRing, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")

    for number in range(100):
        assert await keys.find(f"guess {number}") is None
    asked = len(issuer.asked)
    clock.advance(FLOOR)
    await asyncio.gather(*(keys.find(f"guess {number}") for number in range(100)))

    assert (asked, len(issuer.asked)) == (1, 2)


async def test_old_keys_serve_while_newer_ones_are_fetched_and_while_the_issuer_is_away(
    keys: KeyRing, issuer: Issuer, clock: Clock
) -> None:
    first = await keys.find("first")
    issuer.stop()

    for _ in range(3):
        clock.advance(FRESH)
        assert await keys.find("first") is first
    with pytest.raises(UnavailableError) as unknown:
        await keys.find("second")
    clock.advance(STALE)
    with pytest.raises(UnavailableError):
        await keys.find("first")

    assert unknown.value.retry_after == FLOOR


async def test_keys_that_are_withdrawn_are_believed_for_an_hour_and_a_look(
    keys: KeyRing, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.keys = [public(rsa_key("second"), "second")]
    clock.advance(FRESH)
    await keys.find("first")
    # Fetched in the background meanwhile: whoever asks for a new one waits for the same answer.
    await keys.find("second")

    assert await keys.find("first") is None


@pytest.mark.parametrize(
    "reply",
    [
        Reply.json(500, {}),
        Reply.json(404, {"keys": [public(rsa_key("first"), "first")]}),
        Reply(302, {"location": "/elsewhere"}),
        Reply.json(200, []),
        Reply.json(200, {}),
        Reply.json(200, {"keys": {}}),
        Reply.json(200, {"keys": []}),
        Reply.json(200, {"keys": [None, 1, "first", {}]}),
        Reply(200, {"content-type": "application/json"}, [b"{"]),
        Reply(200, {"content-type": "application/json"}, [b"[" * 100_000]),
        Reply(200, {"content-type": "application/json"}, [b"\xff"]),
        Reply(200, {"content-type": "application/json"}, [b" " * 100_000] * 4),
        Reply(200, {"content-encoding": "gzip"}, [b"no gzip"]),
        Reply(200, {}, [b"{", Fault.RESET]),
        Reply(200, {}, [b"{", Fault.HANG]),
    ],
)
async def test_an_answer_without_keys_is_no_answer(
    reply: Reply, keys: KeyRing, issuer: Issuer, clock: Clock
) -> None:
    issuer.play(reply)

    with pytest.raises(UnavailableError):
        await keys.find("first")
    # Not asked again at once, and not forgotten to ask again.
    with pytest.raises(UnavailableError):
        await keys.find("first")
    asked = len(issuer.asked)
    clock.advance(FLOOR)
    found = await keys.find("first")

    assert asked == 1
    assert found is not None


@pytest.mark.parametrize(
    "key",
    [
        public(rsa_key("weak", 1024), "first"),
        public(rsa_key("first"), "first") | {"use": "enc"},
        public(rsa_key("first"), "first") | {"alg": "RS512"},
        public(rsa_key("first"), "first") | {"d": "AQAB"},
        public(rsa_key("first"), "first") | {"kid": 1},
        public(rsa_key("first"), "first") | {"n": "!"},
        public(rsa_key("first"), "first") | {"e": None},
        public(ec_key("curve"), "first"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "first", "alg": "RS256", "use": "sig"},
    ],
    ids=[
        "a short key",
        "for encryption",
        "for another algorithm",
        "private",
        "without a name",
        "garbled",
        "half",
        "of another kind",
        "a secret",
    ],
)
async def test_a_key_that_is_not_meant_for_it_checks_no_token(
    key: dict[str, object], keys: KeyRing, issuer: Issuer
) -> None:
    issuer.keys = [dict(key), public(rsa_key("other"), "other")]

    assert await keys.find("first") is None
    assert await keys.find("other")


async def test_who_goes_away_takes_nobody_s_keys_along(keys: KeyRing) -> None:
    leaving = asyncio.create_task(keys.find("first"))
    staying = asyncio.create_task(keys.find("first"))
    await asyncio.sleep(0)

    leaving.cancel()

    assert await staying
    assert leaving.cancelled() or await leaving


def checked(client: TestClient) -> Any:  # noqa: ANN401 - any JSON
    """Return what health tells of the issuer."""
    return client.get("/health").json()["checks"]["issuer:keys"][0]


def test_without_its_issuer_the_shop_is_open_to_customers_and_closed_to_tokens(
    settings: Settings, issuer: Issuer
) -> None:
    settings = settings.model_copy(update={"access": issuer.settings()})
    token = issuer.token(admin=True)
    issuer.stop()

    with serving(create_app(settings, process=still(settings))) as client:
        before = checked(client)
        answer = client.get("/api/orders", headers={"Authorization": f"Bearer {token}"})
        after = checked(client)
        nobody = client.get("/api/orders")
        products = client.get("/api/products")

    problem = is_problem(answer, 503)
    assert before["status"] == "pass"
    assert after["output"] == "The issuer of tokens does not give its keys."
    assert problem["detail"].startswith("Sign-in cannot be checked at the moment")
    assert answer.headers["Retry-After"] == "10"
    assert (nobody.status_code, products.status_code) == (401, 200)


def test_a_shop_without_tokens_to_check_asks_no_issuer(settings: Settings, issuer: Issuer) -> None:
    settings = settings.model_copy(update={"access": issuer.settings()})

    with serving(create_app(settings, process=still(settings))) as client:
        client.get("/api/orders")
        client.get("/api/products", headers={"Authorization": f"Bearer {issuer.token()}"})

    assert issuer.asked == []
