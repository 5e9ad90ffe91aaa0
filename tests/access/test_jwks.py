"""An issuer's keys: rotated, unavailable, slow, endless, and wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.access.jwks import FLOOR, FRESH, STALE, IssuerKeys
from cloudmart.app import create_app
from cloudmart.errors import UnavailableError
from cloudmart.settings import Settings
from tests.support.certificates import certified
from tests.support.clock import Clock
from tests.support.dependency_reporter import RecordingReporter
from tests.support.problems import is_problem
from tests.support.ready_app import serving, still
from tests.support.scripted_server import Fault, Reply, loopback
from tests.support.token_issuer import Issuer, ec_key, issuing, public, rsa_key

GOOD = Reply.json(200, {"keys": [public(rsa_key("first"), "first")]})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Provide an issuer for one test."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    """Provide the clock of the keys."""
    return Clock()


@pytest.fixture
async def keys(issuer: Issuer, clock: Clock) -> AsyncIterator[IssuerKeys]:
    """Provide the issuer's keys, with a configured address."""
    settings = issuer.settings(jwks_url=issuer.keys_url)
    ring = IssuerKeys(settings, monotonic=lambda: clock.seconds)
    yield ring
    await ring.close()


@pytest.fixture
async def discovered(issuer: Issuer, clock: Clock) -> AsyncIterator[IssuerKeys]:
    """Provide the issuer's keys, with the address from the issuer's document."""
    ring = IssuerKeys(issuer.settings(), monotonic=lambda: clock.seconds)
    yield ring
    await ring.close()


async def test_keys_are_fetched_once_for_many_requests(keys: IssuerKeys, issuer: Issuer) -> None:
    found = await asyncio.gather(*(keys.find("first") for _ in range(20)))

    assert len({id(key) for (key,) in found}) == 1
    assert len(issuer.asked) == 1


async def test_a_new_key_is_found_when_a_token_names_it(
    keys: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.keys = [public(rsa_key("second"), "second")]
    clock.advance(FLOOR)

    assert await keys.find("second")
    assert not await keys.find("first")


async def test_the_issuer_is_called_at_most_every_ten_seconds(
    keys: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")

    for number in range(100):
        assert not await keys.find(f"guess {number}")
    asked = len(issuer.asked)
    clock.advance(FLOOR)
    await asyncio.gather(*(keys.find(f"guess {number}") for number in range(100)))

    assert (asked, len(issuer.asked)) == (1, 2)


async def test_old_keys_serve_while_newer_ones_are_fetched_and_while_the_issuer_is_away(
    keys: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    (first,) = await keys.find("first")
    issuer.stop()

    for _ in range(3):
        clock.advance(FRESH)
        assert await keys.find("first") == [first]
    with pytest.raises(UnavailableError) as unknown:
        await keys.find("second")
    clock.advance(STALE)
    with pytest.raises(UnavailableError):
        await keys.find("first")

    assert unknown.value.retry_after == FLOOR


async def test_keys_that_are_withdrawn_are_believed_for_an_hour_and_a_look(
    keys: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    await keys.find("first")
    issuer.keys = [public(rsa_key("second"), "second")]
    clock.advance(FRESH)
    await keys.find("first")
    # The keys are fetched in the background. All requests for a new key wait for the same answer.
    await keys.find("second")

    assert not await keys.find("first")


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
async def test_an_answer_without_keys_counts_as_a_failure(
    reply: Reply, keys: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    issuer.play(reply)

    with pytest.raises(UnavailableError):
        await keys.find("first")
    # It does not ask again at once, and it does ask again later.
    with pytest.raises(UnavailableError):
        await keys.find("first")
    asked = len(issuer.asked)
    clock.advance(FLOOR)
    found = await keys.find("first")

    assert asked == 1
    assert found


async def test_the_discovery_document_names_the_address_of_the_keys(
    discovered: IssuerKeys, issuer: Issuer
) -> None:
    assert await discovered.find("first")
    assert issuer.asked == [
        "/eu-central-1_shop/.well-known/openid-configuration",
        "/eu-central-1_shop/keys",
    ]


async def test_keys_that_moved_are_found_when_they_are_fetched_again(
    discovered: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    await discovered.find("first")
    issuer.keys = [public(rsa_key("second"), "second")]
    issuer.discovery = issuer.describe(jwks_uri=f"{issuer.url}/newer")
    clock.advance(FLOOR)

    assert await discovered.find("second")
    assert issuer.asked[-1] == "/eu-central-1_shop/newer"


async def test_without_a_discovery_document_the_keys_are_read_where_cognito_has_them(
    discovered: IssuerKeys, issuer: Issuer
) -> None:
    issuer.discovery = Reply.json(404, {})

    assert await discovered.find("first")
    assert issuer.asked[-1] == "/eu-central-1_shop/.well-known/jwks.json"


async def test_an_issuer_whose_name_ends_with_a_slash_has_one_slash_in_its_address(
    issuer: Issuer,
) -> None:
    ring = IssuerKeys(issuer.settings(issuer=f"{issuer.url}/"))
    issuer.discovery = issuer.describe(issuer=f"{issuer.url}/")

    found = await ring.find("first")
    await ring.close()

    assert found
    assert issuer.asked[0] == "/eu-central-1_shop/.well-known/openid-configuration"


RUDE: dict[str, Callable[[Issuer], Reply]] = {
    "of another issuer": lambda issuer: issuer.describe(issuer="https://example.com/other"),
    "of the issuer with a slash": lambda issuer: issuer.describe(issuer=f"{issuer.url}/"),
    "of no issuer": lambda issuer: issuer.describe(issuer=None),
    "without keys": lambda issuer: issuer.describe(jwks_uri=None),
    "with a number for keys": lambda issuer: issuer.describe(jwks_uri=443),
    "with keys in the open": lambda issuer: issuer.describe(jwks_uri="http://192.0.2.1/keys"),
    "with keys in a file": lambda issuer: issuer.describe(jwks_uri="file:///etc/passwd"),
    "with half an address": lambda issuer: issuer.describe(jwks_uri="/keys"),
    "a list": lambda _: Reply.json(200, []),
    "a page": lambda _: Reply(200, {"content-type": "text/html"}, [b"<!doctype html>"]),
    "huge": lambda _: Reply(200, {}, [b" " * 100_000] * 4),
    "elsewhere": lambda issuer: Reply(302, {"location": issuer.keys_url}),
    "not allowed": lambda _: Reply.json(403, {}),
    "broken": lambda _: Reply.json(500, {}),
    "cut off": lambda _: Reply(200, {}, [b"{", Fault.RESET]),
    "never there": lambda _: Reply(200, {}, [b"{", Fault.HANG]),
}


@pytest.mark.parametrize("how", RUDE)
async def test_a_discovery_document_that_cannot_be_believed_gives_no_keys(
    how: str, discovered: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    believable, issuer.discovery = issuer.discovery, RUDE[how](issuer)

    with pytest.raises(UnavailableError):
        await discovered.find("first")
    asked = list(issuer.asked)
    issuer.discovery = believable
    clock.advance(FLOOR)
    found = await discovered.find("first")

    assert asked == ["/eu-central-1_shop/.well-known/openid-configuration"]
    assert found


async def test_an_issuer_over_https_has_its_keys_over_https(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loopback(certified(tmp_path)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        server.play(Reply.json(200, {"issuer": server.url, "jwks_uri": issuer.keys_url}))
        ring = IssuerKeys(issuer.settings(issuer=server.url))

        with pytest.raises(UnavailableError):
            await ring.find("first")
        await ring.close()

    assert [request.path for request in server.requests] == ["/.well-known/openid-configuration"]
    assert issuer.asked == []


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
        "named by a number",
        "garbled",
        "half",
        "of another kind",
        "a secret",
    ],
)
async def test_a_key_that_is_not_meant_for_it_checks_no_token(
    key: dict[str, object], keys: IssuerKeys, issuer: Issuer
) -> None:
    issuer.keys = [dict(key), public(rsa_key("other"), "other")]

    assert not await keys.find("first")
    assert await keys.find("other")


@pytest.mark.parametrize("kid", [{}, {"kid": None}, {"kid": ""}], ids=["left out", "null", "empty"])
async def test_a_key_without_an_id_may_belong_to_any_token(
    kid: dict[str, object], keys: IssuerKeys, issuer: Issuer
) -> None:
    nameless = {name: value for name, value in issuer.keys[0].items() if name != "kid"} | kid
    issuer.keys = [nameless, public(rsa_key("other"), "other")]

    (found,) = await keys.find("first")
    (same,) = await keys.find("")
    (named,) = await keys.find("other")

    assert found is same
    assert named is not found


async def test_two_keys_of_one_id_are_both_tried(keys: IssuerKeys, issuer: Issuer) -> None:
    issuer.keys = [public(rsa_key(each), "first") for each in ("first", "other")]

    assert len(await keys.find("first")) == 2


async def test_a_renewed_key_without_an_id_is_found_in_the_background(
    keys: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    issuer.keys[0].pop("kid")
    (old,) = await keys.find("first")
    issuer.keys = [public(rsa_key("other"), "")]
    clock.advance(FLOOR)

    assert await keys.find("first") == [old]
    # No request waits for the fetch.
    async with asyncio.timeout(60):
        while await keys.find("first") == [old]:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def test_a_failed_fetch_is_repeated_without_a_request(issuer: Issuer, clock: Clock) -> None:
    reporter = RecordingReporter()
    settings = issuer.settings(jwks_url=issuer.keys_url)
    ring = IssuerKeys(settings, reporter, lambda: clock.seconds, again=0.05)
    issuer.play(Reply.json(500, {}))
    with pytest.raises(UnavailableError):
        await ring.find("first")

    clock.advance(FLOOR)
    async with asyncio.timeout(5):
        await reporter.well.wait()
    await ring.close()

    assert reporter.told == [False, True]


async def test_a_client_that_leaves_does_not_cancel_the_fetch_of_others(keys: IssuerKeys) -> None:
    leaving = asyncio.create_task(keys.find("first"))
    staying = asyncio.create_task(keys.find("first"))
    await asyncio.sleep(0)

    leaving.cancel()

    assert await staying
    assert leaving.cancelled() or await leaving


def checked(client: TestClient) -> Any:  # noqa: ANN401 - any JSON
    """Return what health says about the issuer."""
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
    assert after["output"] == "The service cannot fetch the keys of the tokens' issuer."
    assert problem["detail"].startswith("Sign-in cannot be checked at the moment")
    assert answer.headers["Retry-After"] == "10"
    assert (nobody.status_code, products.status_code) == (401, 200)


def test_a_shop_without_tokens_to_check_asks_no_issuer(settings: Settings, issuer: Issuer) -> None:
    settings = settings.model_copy(update={"access": issuer.settings()})

    with serving(create_app(settings, process=still(settings))) as client:
        client.get("/api/orders")
        client.get("/api/products", headers={"Authorization": f"Bearer {issuer.token()}"})

    assert issuer.asked == []
