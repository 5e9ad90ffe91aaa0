"""Pages of lists."""

from cloudmart.values.page import Page


def test_a_page_that_was_read_keeps_nothing() -> None:
    page = Page([1, 2, 3], last=True)

    odd = page.filter(lambda number: number % 2 == 1)
    texts = odd.map(str)

    assert (texts.items, texts.last) == (["1", "3"], True)
    assert (page.items, odd.items) == ([], [])
