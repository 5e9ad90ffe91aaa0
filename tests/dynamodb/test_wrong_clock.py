"""A clock that is wrong: AWS refuses its signatures, and tells the right time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.session import new_session
from cloudmart.errors import UnavailableError
from tests.dynamodb.test_transport import answer, refusal
from tests.support.scripted_server import LoopbackServer, Reply, Request
from tests.support.shop_tables import CALL_WITHIN

MOST = timedelta(minutes=5)  # AWS's


class Aws:
    """AWS with a clock that differs from ours; it refuses signatures as AWS does."""

    def __init__(self, minutes: int, code: str = "InvalidSignatureException") -> None:
        self.ahead = timedelta(minutes=minutes)
        self._code = code

    def __call__(self, request: Request) -> Reply:
        """Judge a signature by its time."""
        theirs = datetime.now(UTC) + self.ahead
        if abs(datetime.fromisoformat(request.headers["x-amz-date"]) - theirs) > MOST:
            return refusal(self._code, Date=format_datetime(theirs, usegmt=True))
        return answer({})


@asynccontextmanager
async def listening(told: list[timedelta]) -> AsyncIterator[Database]:
    """Give a client that notes each correction, in minutes."""
    database = Database(
        new_session("us-east-1"), within=CALL_WITHIN, direct=True, corrected=told.append
    )
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def ask(database: Database) -> None:
    """Make a call."""
    await database.call("get_item", TableName="t", Key={"id": {"S": "1"}})


def minutes(told: list[timedelta]) -> list[int]:
    """Return the corrections in minutes."""
    return [round(off.total_seconds() / 60) for off in told]


@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestExpired"])
@pytest.mark.parametrize("ahead", [-30, 10])
async def test_a_clock_that_is_wrong_is_corrected_and_reported(
    code: str, ahead: int, wire: LoopbackServer
) -> None:
    wire.answer = Aws(ahead, code)
    told: list[timedelta] = []

    async with listening(told) as database:
        for _ in range(2):
            await ask(database)

    assert len(wire.requests) == 3
    assert minutes(told) == [ahead]


async def test_a_clock_that_is_set_right_again_is_noticed_by_the_request_that_meets_it(
    wire: LoopbackServer,
) -> None:
    wire.answer = aws = Aws(10)
    told: list[timedelta] = []

    async with listening(told) as database:
        await ask(database)
        aws.ahead = timedelta()
        await ask(database)

    assert len(wire.requests) == 4
    assert minutes(told) == [10, 0]


async def test_all_requests_that_are_under_way_are_tried_again(wire: LoopbackServer) -> None:
    wire.answer = Aws(10)
    told: list[timedelta] = []

    async with listening(told) as database:
        await asyncio.gather(*(ask(database) for _ in range(5)))

    assert minutes(told) == [10]


@pytest.mark.parametrize("corrected", [False, True], ids=["our own time", "a corrected time"])
async def test_a_wrong_secret_is_not_a_wrong_clock(
    corrected: bool,  # noqa: FBT001 - a parameter of the test
    wire: LoopbackServer,
) -> None:
    told: list[timedelta] = []
    aws = Aws(10 if corrected else 0)

    async with listening(told) as database:
        wire.answer = aws
        await ask(database)
        asked = len(wire.requests)
        date = format_datetime(datetime.now(UTC) + aws.ahead, usegmt=True)
        wire.play(refusal("InvalidSignatureException", Date=date))
        with pytest.raises(UnavailableError):
            await ask(database)

    assert len(wire.requests) == asked + 1
    assert minutes(told) == ([10] if corrected else [])


@pytest.mark.parametrize(
    "date",
    [
        "",
        "soon",
        "2026-11-28T14:47:40Z",
        "Sat, 99 Nov 2026 14:47:40 GMT",
        "Sat, 28 Nov 2026 14:47:40 +9999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",
    ],
)
async def test_a_refusal_without_a_date_of_sense_corrects_nothing(
    date: str, wire: LoopbackServer
) -> None:
    told: list[timedelta] = []
    wire.play(refusal("InvalidSignatureException", Date=date))

    async with listening(told) as database:
        with pytest.raises(UnavailableError):
            await ask(database)

    assert len(wire.requests) == 1
    assert told == []


@pytest.mark.parametrize("zone", ["", " -0000", " UTC"])
async def test_a_date_is_in_gmt_also_where_it_does_not_say_so(
    zone: str, wire: LoopbackServer
) -> None:
    told: list[timedelta] = []
    theirs = datetime.now(UTC) + timedelta(minutes=10)
    date = f"{theirs:%a, %d %b %Y %H:%M:%S}{zone}"
    wire.play(refusal("InvalidSignatureException", Date=date), answer({}))

    async with listening(told) as database:
        await ask(database)

    assert minutes(told) == [10]
