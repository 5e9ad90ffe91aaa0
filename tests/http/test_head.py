"""HEAD on a real server, which leaves out the body."""

import httpx2
import pytest


@pytest.mark.parametrize(
    "path", ["/api/products/1", "/health", "/api/products?limit=1", "/api", "/docs", "/"]
)
def test_head_answers_as_get_without_the_body(path: str, shop: httpx2.Client) -> None:
    got = shop.get(path)

    answer = shop.head(path)

    told = ("content-type", "link", "cache-control", "vary")
    assert (answer.status_code, answer.content) == (got.status_code, b"")
    assert [answer.headers.get(name) for name in told] == [got.headers.get(name) for name in told]


def test_a_list_of_any_length_has_no_body_either(shop: httpx2.Client) -> None:
    answer = shop.head("/api/orders")

    assert (answer.status_code, answer.content) == (200, b"")
    assert shop.get("/api/products/1").status_code == 200


def test_what_is_not_there_is_not_there_for_head(shop: httpx2.Client) -> None:
    assert shop.head("/api/products/none").status_code == 404
    assert shop.head("/api/nothing").status_code == 404


def test_head_of_what_only_takes_post_is_not_allowed(shop: httpx2.Client) -> None:
    answer = shop.head("/api/ai/start")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
