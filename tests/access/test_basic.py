"""Administrators who sign in by password, and clients that guess passwords."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from unittest.mock import ANY

import pytest
from fastapi.testclient import TestClient

from cloudmart.access.authentication import Caller
from cloudmart.access.basic import REMEMBERED, Passwords, hash_password, verify_password
from cloudmart.app import create_app
from cloudmart.errors import TooManyAttemptsError, UnavailableError
from cloudmart.rates.counter import LocalCounter
from cloudmart.settings import Settings
from cloudmart.settings.access import parse_admins
from tests.access.conftest import ADMIN, ADMIN_USERS, BASIC, PASSWORD
from tests.support.problems import is_problem
from tests.support.ready_app import serving, still
from tests.support.threads import Threads


def credentials(name: str, password: str) -> str:
    """Return the header that a browser sends for a name and a password."""
    return base64.b64encode(f"{name}:{password}".encode()).decode()


RIGHT = credentials(*ADMIN)
BOB = credentials("bob", "another password")


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """Provide a client of a shop with administrators."""
    settings = settings.model_copy(update={"access": BASIC})
    with serving(create_app(settings, process=still(settings))) as client:
        yield client


@pytest.fixture
def passwords() -> Passwords:
    """Provide the administrators by password."""
    return Passwords(parse_admins(ADMIN_USERS))


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    """Provide the worker threads of the test's loop."""
    threads = Threads()
    asyncio.get_running_loop().set_default_executor(threads)
    yield threads
    threads.let_go()


def test_no_name_a_wrong_name_and_a_wrong_password_are_answered_alike(client: TestClient) -> None:
    none = client.get("/api/orders")
    answers = [
        none,
        client.get("/api/orders", auth=("eve", PASSWORD)),
        client.get("/api/orders", auth=("ann", "not it")),
        client.get("/api/orders", auth=("ann", "")),
        client.get("/api/orders", headers={"Authorization": "Basic !"}),
        client.get("/api/orders", headers={"Authorization": "Bearer x"}),
        client.get("/api/orders", headers={"Authorization": "Digest x"}),
        client.get("/api/orders", headers={"Authorization": ""}),
    ]

    problem = is_problem(none, 401)
    assert problem == {
        "type": "/api/problems/unauthorized",
        "title": "Unauthorized",
        "status": 401,
        "detail": "This needs you to sign in.",
        "instance": "/api/orders",
        "requestId": ANY,
        "error": "This needs you to sign in.",
    }
    for answer in answers:
        assert answer.json() | {"requestId": ""} == problem | {"requestId": ""}
        assert answer.headers.get_list("WWW-Authenticate") == [
            'Basic realm="CloudMart", charset="UTF-8"'
        ]


def test_credentials_that_are_sent_twice_are_refused(client: TestClient) -> None:
    twice = [("Authorization", f"Basic {RIGHT}"), ("Authorization", f"Basic {RIGHT}")]

    answer = client.get("/api/orders", headers=twice)

    assert answer.status_code == 401


def test_a_caller_without_the_right_does_not_learn_what_exists(client: TestClient) -> None:
    answers = [
        client.put("/api/products/nope", json={"price": "free"}),
        client.delete("/api/orders/nope"),
        client.post("/api/products", content=b"{", headers={"Content-Type": "application/json"}),
        client.post("/api/products", content=b"x", headers={"Content-Type": "text/plain"}),
        client.get("/api/tickets/status?status=unheard-of"),
    ]

    assert [answer.status_code for answer in answers] == [401] * 5


def test_more_than_thirty_wrong_passwords_a_minute_are_429_whatever_comes_next(
    client: TestClient,
) -> None:
    # One more is allowed if the minute of the clock ends during the test.
    codes = [client.get("/api/orders", auth=("ann", f"guess {n}")).status_code for n in range(32)]
    right = client.get("/api/orders", auth=ADMIN)

    assert codes[:30] == [401] * 30
    assert codes[-1] == 429
    assert is_problem(right, 429)["type"] == "/api/problems/too-many-attempts"
    assert 1 <= int(right.headers["Retry-After"]) <= 61
    assert client.get("/api/products").status_code == 200


async def test_a_correct_password_works_while_others_guess_from_the_same_address(
    passwords: Passwords,
) -> None:
    assert await passwords.identify(RIGHT, "a")
    guesses = [passwords.identify(credentials("ann", f"guess {n}"), "a") for n in range(40)]
    await asyncio.gather(*guesses, return_exceptions=True)

    assert await passwords.identify(RIGHT, "a") == Caller(admin=True, name="ann")
    with pytest.raises(TooManyAttemptsError):
        await passwords.identify(BOB, "a")


async def test_wrong_passwords_are_counted_for_a_bounded_number_of_clients() -> None:
    counted = LocalCounter(most=2)
    passwords = Passwords(parse_admins(ADMIN_USERS), wrong=counted)

    for client in ("a", "b", "c", "d"):
        assert await passwords.identify(credentials("ann", "guess"), client) is None

    assert counted.kept == 2


async def test_guesses_from_one_address_do_not_lock_out_another(passwords: Passwords) -> None:
    guesses = [passwords.identify(credentials("bob", f"guess {n}"), "a") for n in range(40)]
    await asyncio.gather(*guesses, return_exceptions=True)

    assert await passwords.identify(BOB, "b") == Caller(admin=True, name="bob")


async def test_a_right_password_is_remembered_for_a_minute_and_no_longer(
    threads: Threads,
) -> None:
    clock = [0.0]
    passwords = Passwords(parse_admins(ADMIN_USERS), monotonic=lambda: clock[0])

    spent = []
    for seconds in (0, REMEMBERED - 1, 1):
        clock[0] += seconds
        assert await passwords.identify(RIGHT, "a") == Caller(admin=True, name="ann")
        spent.append(threads.used)

    assert spent == [1, 1, 2]


async def test_an_unknown_name_costs_a_hash_off_the_loop_like_a_known_one(
    passwords: Passwords, threads: Threads
) -> None:
    assert await passwords.identify(credentials("eve", PASSWORD), "a") is None
    assert threads.used == 1

    assert await passwords.identify(credentials("ann", "not it"), "a") is None
    assert threads.used == 2


async def test_what_a_page_asks_for_at_once_costs_as_many_hashes_as_run_at_once(
    passwords: Passwords, threads: Threads
) -> None:
    callers = await asyncio.gather(*(passwords.identify(RIGHT, "a") for _ in range(20)))

    assert callers == [Caller(admin=True, name="ann")] * 20
    assert threads.used <= 2


async def test_two_hashes_run_at_once_a_hundred_wait_and_the_next_gets_retry_after(
    passwords: Passwords, threads: Threads
) -> None:
    threads.hold()
    guesses = [credentials("ann", f"guess {number}") for number in range(101)]
    tried = [passwords.identify(guess, f"client {n}") for n, guess in enumerate(guesses[:100])]
    waiting = asyncio.gather(*tried)
    await asyncio.sleep(0)

    with pytest.raises(UnavailableError) as refusal:
        await passwords.identify(guesses[100], "another")
    threads.let_go()

    assert await waiting == [None] * 100
    assert threads.most == 2
    assert refusal.value.retry_after == 2


async def test_guesses_that_come_all_at_once_count_as_well(passwords: Passwords) -> None:
    guesses = [passwords.identify(credentials("ann", f"guess {n}"), "a") for n in range(90)]

    outcomes = await asyncio.gather(*guesses, return_exceptions=True)

    # Two checks may run when the count is full, and the minute of the clock may end during the
    # test.
    assert outcomes.count(None) <= 33
    assert all(isinstance(one, TooManyAttemptsError) for one in outcomes if one is not None)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "ann",
        base64.b64encode(b"ann").decode(),
        credentials("ann", ""),
        credentials("ann", "x" * 1025),
        credentials("a" * 5000, "x"),
        RIGHT + "=",
        RIGHT[:-1] + "\xe9",
    ],
)
async def test_credentials_without_name_and_password_are_refused_without_a_hash(
    sent: str, passwords: Passwords, threads: Threads
) -> None:
    assert await passwords.identify(sent, "a") is None
    assert threads.used == 0


async def test_a_password_is_the_same_in_the_encoding_of_scripts(passwords: Passwords) -> None:
    sent = base64.b64encode(f"ann:{PASSWORD}".encode("latin-1")).decode()

    assert sent != RIGHT
    assert await passwords.identify(sent, "a") == Caller(admin=True, name="ann")


def test_a_password_is_the_same_however_a_keyboard_writes_its_umlauts() -> None:
    assert verify_password("Gru\u0308n", hash_password("Gr\u00fcn"))
    assert not verify_password("Grun", hash_password("Gr\u00fcn"))
