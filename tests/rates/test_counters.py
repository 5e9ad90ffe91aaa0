"""What every counter promises, whatever its storage."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from limits import RateLimitItemPerMinute

from cloudmart.rates.counter import LocalCounter, RateCounter, StoredCounter
from tests.support.sliding_windows import ClockedStorage

THREE = RateLimitItemPerMinute(3)


async def test_so_many_are_allowed_and_not_one_more(counter: RateCounter) -> None:
    standings = [await counter.hit(THREE, "read", "203.0.113.9") for _ in range(5)]

    assert [each.allowed for each in standings] == [True, True, True, False, False]
    assert [each.remaining for each in standings] == [2, 1, 0, 0, 0]
    assert {each.limit for each in standings} == {3}
    assert all(1 <= each.reset <= 60 for each in standings)


async def test_clients_and_kinds_are_counted_separately(counter: RateCounter) -> None:
    for _ in range(3):
        await counter.hit(THREE, "read", "203.0.113.9")

    assert (await counter.hit(THREE, "write", "203.0.113.9")).allowed
    assert (await counter.hit(THREE, "read", "203.0.113.10")).allowed
    assert not (await counter.hit(THREE, "read", "203.0.113.9")).allowed


async def test_looking_counts_nothing(counter: RateCounter) -> None:
    for _ in range(5):
        assert (await counter.look(THREE, "read", "a")).remaining == 3
    for _ in range(3):
        await counter.hit(THREE, "read", "a")

    assert not (await counter.look(THREE, "read", "a")).allowed


async def test_many_at_once_are_not_more(counter: RateCounter) -> None:
    hits = (counter.hit(RateLimitItemPerMinute(10), "read", "a") for _ in range(30))

    assert sum(each.allowed for each in await asyncio.gather(*hits)) == 10


async def hits(counter: RateCounter, times: int, key: str = "a") -> int:
    """Return how many of some hits were allowed."""
    return sum([(await counter.hit(THREE, key)).allowed for _ in range(times)])


async def test_the_window_slides() -> None:
    seconds = 600.0
    counter = LocalCounter(clock=lambda: seconds)

    assert await hits(counter, 5) == 3
    seconds += 59
    assert await hits(counter, 5) == 0
    seconds += (
        22  # Two thirds of the last minute's three still count, which is a bit more than one.
    )
    assert await hits(counter, 5) == 2
    seconds += 20  # Less than one of them counts.
    assert await hits(counter, 5) == 1
    seconds += 120
    assert await hits(counter, 5) == 3


async def test_memory_has_an_end_and_the_oldest_are_forgotten_first() -> None:
    counter = LocalCounter(most=100)

    await hits(counter, 3, "old")
    await hits(counter, 3, "kept")
    for number in range(1000):
        await hits(counter, 1, f"client {number}")
        await hits(counter, 1, "kept")

    assert counter.kept == 100
    assert await hits(counter, 3, "old") == 3
    assert await hits(counter, 3, "kept") == 0


@given(
    most=st.integers(1, 9),
    steps=st.lists(
        st.tuples(st.sampled_from([0, 0.25, 1, 7.5, 30, 59.75, 60, 61, 200]), st.booleans()),
        max_size=60,
    ),
)
async def test_it_counts_as_the_library_does(most: int, steps: list[tuple[float, bool]]) -> None:
    seconds = 600.0
    ours = LocalCounter(clock=lambda: seconds)
    theirs = StoredCounter(ClockedStorage(lambda: seconds))
    limit = RateLimitItemPerMinute(most)

    for passed, counted in steps:
        seconds += passed
        asked = [(each.hit if counted else each.look)(limit, "a") for each in (ours, theirs)]
        one, other = await asyncio.gather(*asked)
        assert (one.allowed, one.limit, one.remaining) == (other.allowed, most, other.remaining)
        # Meanwhile the library's own clock continues.
        assert abs(one.reset - other.reset) <= 1
