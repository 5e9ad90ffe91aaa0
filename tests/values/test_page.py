"""Pages, and several sorted lists as one."""

from hypothesis import given
from hypothesis import strategies as st

from cloudmart.values.page import Page, Pages, merge

sorted_lists = st.lists(
    st.lists(st.text("abc", max_size=3), max_size=30).map(lambda one: sorted(one, reverse=True)),
    min_size=1,
    max_size=4,
)


async def _pages(items: list[str], size: int) -> Pages[str]:
    for start in range(0, len(items), size):
        yield Page(items[start : start + size], last=False)
    yield Page([], last=True)


@given(sorted_lists, st.integers(1, 10))
async def test_merged_lists_are_all_their_items_in_order(lists: list[list[str]], size: int) -> None:
    pages = [page async for page in merge([_pages(one, size) for one in lists], by=str)]

    merged = [item for page in pages for item in page.items]
    assert merged == sorted((item for one in lists for item in one), reverse=True)
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]


async def test_a_long_merged_list_comes_in_pages() -> None:
    lists = [[f"{number:05}" for number in range(5000, 0, -1)]] * 2

    sizes = [len(page.items) async for page in merge([_pages(one, 100) for one in lists], by=str)]

    assert sum(sizes) == 10_000
    assert max(sizes) == 500
