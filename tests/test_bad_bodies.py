"""Bodies that no client should send get a problem document, and never a 5xx."""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.problems import is_problem, pointers
from tests.support.routes import ROUTES, Route

WITH_BODY = [route for route in ROUTES if route.body and not route.headers]
JSON = {"Content-Type": "application/json"}
each_with_body = pytest.mark.parametrize("route", WITH_BODY, ids=str)


@each_with_body
@pytest.mark.parametrize(
    "body",
    [
        *(
            b"{",
            b"}",
            b"nul",
            b"{'a': 1}",
            b"[1,]",
            b'{"a" 1}',
            b'"a',
            b"\xff\xfe",
            b"\x00",
            b"a=b",
        ),
        *(b"NaN", b'{"name": NaN}', b"[Infinity]", b"-Infinity", b"1" * 5000, b"[" * 100_000),
        *(b'{"name": [1, 2}', b"-", b"01", b".5", b"+1", b"'", b"/**/{}", b"undefined"),
        *(b'{"a":' * 100_000, b"{} {}", b"\xed\xa0\x80", b'"\xff"', b"{}\x00", b"<xml/>"),
    ],
)
def test_what_is_not_json_is_malformed(body: bytes, route: Route, shop: httpx2.Client) -> None:
    answer = shop.request(route.method, route.path("1"), content=body, headers=JSON)

    assert is_problem(answer, 400)["type"] == "/api/problems/malformed-request"


@each_with_body
@pytest.mark.parametrize(
    "body", ["", "null", "[]", "5", "1e400", '"text"', "true", "[{}]", "\ufeff[]"]
)
def test_json_that_is_not_an_object_is_refused_as_a_whole(
    body: str, route: Route, shop: httpx2.Client
) -> None:
    answer = shop.request(route.method, route.path("1"), content=body.encode(), headers=JSON)

    assert pointers(is_problem(answer, 422)) == [""]


@each_with_body
@pytest.mark.parametrize(
    "kind",
    [
        *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
        *("application/xml", "text/json", "application/jsonp", "json", "", "application/json/x"),
        *("application/json charset=utf-8", "application/foo/x+json", ";", "\xff", "*/*"),
    ],
)
def test_a_body_without_the_json_header_gets_a_message_with_the_header(
    kind: str, route: Route, shop: httpx2.Client
) -> None:
    headers = {b"content-type": kind.encode("latin-1")}

    answer = shop.request(
        route.method, route.path("1"), content=json.dumps(route.body), headers=headers
    )

    assert "`Content-Type: application/json`" in is_problem(answer, 415)["detail"]


@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("br", bytes),
        ("zstd", bytes),
        ("identity, gzip", gzip.compress),
        ("", gzip.compress),
    ],
)
@each_with_body
def test_a_compressed_body_gets_a_message_to_send_it_uncompressed(
    coding: str, compress: Callable[[bytes], bytes], route: Route, shop: httpx2.Client
) -> None:
    headers = JSON | ({"Content-Encoding": coding} if coding else {})
    body = compress(json.dumps(route.body).encode())

    answer = shop.request(route.method, route.path("1"), content=body, headers=headers)

    assert is_problem(answer, 415)["detail"].startswith("The body is compressed")
    assert answer.headers["Accept-Encoding"] == "identity"


def test_a_body_that_says_it_is_not_compressed_is_taken(shop: httpx2.Client) -> None:
    headers = JSON | {"Content-Encoding": "identity"}

    assert shop.post("/api/tickets", content=b"{}", headers=headers).status_code == 201


@pytest.mark.parametrize(
    "kind",
    [
        *("application/json", "application/json; charset=utf-8", "Application/JSON"),
        *("application/json;charset=UTF-8", "application/vnd.shop+json"),
    ],
)
def test_json_may_be_declared_in_every_way_there_is(kind: str, shop: httpx2.Client) -> None:
    headers = {"Content-Type": kind}

    answer = shop.post("/api/tickets", content=b"{}", headers=headers)

    assert answer.status_code == 201
    shop.delete(answer.headers["Location"])


def _chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65_536):
        yield b" " * 65_536
    yield b" " * (size % 65_536)


@each_with_body
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_over_a_mebibyte_is_too_large_declared_or_not(
    chunked: bool,  # noqa: FBT001 - a parameter of the test
    route: Route,
    shop: httpx2.Client,
) -> None:
    body: Any = _chunks(2**20 + 1) if chunked else b" " * (2**20 + 1)

    answer = shop.request(route.method, route.path("1"), content=body, headers=JSON)

    problem = is_problem(answer, 413)
    assert problem["type"] == "/api/problems/content-too-large"
    assert problem["error"] == "The body is larger than 1 MiB."


@pytest.mark.parametrize("chunked", [True, False])
def test_a_chat_that_is_ended_may_have_eight_mebibytes_declared_or_not(
    chunked: bool,  # noqa: FBT001
    shop: httpx2.Client,
) -> None:
    path, most = "/api/ai/analyze-sentiment", 8 * 2**20

    def sent(size: int) -> httpx2.Response:
        body: Any = _chunks(size) if chunked else b" " * size
        return shop.post(path, content=body, headers=JSON)

    is_problem(sent(most), 400)
    assert is_problem(sent(most + 1), 413)["error"] == "The body is larger than 8 MiB."


CHATS = [
    ("/api/ai/analyze-sentiment", '{"thread": {"messages": [%s]}}', "ticketId"),
    ("/api/tickets", '{"conversation": [%s]}', "id"),
]


@pytest.mark.parametrize(("path", "body", "ticket"), CHATS)
def test_of_a_chat_only_the_kept_messages_are_validated(
    path: str, body: str, ticket: str, shop: httpx2.Client
) -> None:
    nonsense, message = "{}," * 19_799, '{"sender": "ai", "text": "Hi"}'

    kept = shop.post(path, content=body % (nonsense + ",".join([message] * 201)), headers=JSON)
    refused = shop.post(path, content=body % (nonsense + message), headers=JSON)

    stored = shop.get(f"/api/tickets/{kept.json()[ticket]}").json()
    assert (len(stored["conversation"]), stored["truncated"]) == (200, True)
    assert len(is_problem(refused, 422)["errors"]) == 2 * 200


@pytest.mark.parametrize(("path", "body", "ticket"), CHATS)
def test_a_far_too_long_chat_is_refused_with_a_message(
    path: str, body: str, ticket: str, shop: httpx2.Client
) -> None:
    text = json.dumps("a, b, {c}, [d]\\" * 200_000 if ticket == "ticketId" else "[{,]}" * 50_000)
    few = f'{{"sender": "user", "text": {text}, "x": [{"1," * 20_001} 2]}}'

    refused = shop.post(path, content=body % ("{}," * 20_000 + "{}"), headers=JSON)
    kept = shop.post(path, content=body % few, headers=JSON)

    problem = is_problem(refused, 422)
    assert [fault["message"] for fault in problem["errors"]] == ["send at most 20,000 of them"]
    shop.delete(f"/api/tickets/{kept.json()[ticket]}")


@each_with_body
@pytest.mark.parametrize("kind", ["[]", "{}"])
@pytest.mark.parametrize("size", [0, 100_000])
def test_a_far_too_deep_body_is_refused_with_a_message(
    kind: str, size: int, route: Route, shop: httpx2.Client
) -> None:
    opening, closing = kind[0] + '"a":' * (kind == "{}"), kind[1]
    text = json.dumps("[" * 1000 + "x" * size)

    def sent(depth: int) -> httpx2.Response:
        nested = opening * (depth - 1) + kind + closing * (depth - 1)
        body = f'{json.dumps(route.body)[:-1]}, "x": {nested}, "y": {text}}}'.replace("{,", "{", 1)
        return shop.request(route.method, route.path("nope"), content=body, headers=JSON)

    assert "64 deep" in is_problem(sent(64), 400)["error"]
    taken = sent(63)
    assert taken.status_code in {200, 201, 404}
    if taken.status_code == 201:
        shop.delete(taken.headers["Location"])


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_of_a_mebibyte_is_not_too_large(
    chunked: bool,  # noqa: FBT001
    shop: httpx2.Client,
) -> None:
    body: Any = _chunks(2**20) if chunked else b" " * 2**20

    answer = shop.post("/api/tickets", content=body, headers=JSON)

    is_problem(answer, 400)


NASTY = [
    *("1e400", "-1e400", "1" + "0" * 400, "0." + "0" * 400 + "1", "-0", "1e-400", "1E+2"),
    *("true", "false", "null", "[]", "{}", '""', '" "', '"\\u0000"', '"a\\u0000b"', '"\\ud800"'),
    *('"\\udfff\\ud800"', '"\\ud83d\\ude00"', '"NaN"', '"1e400"', '"0x10"', '"٣"', '"1_0"'),
    *(
        '"' + "x" * 10_000 + '"',
        '"' + "😀" * 20_000 + '"',
        "[" * 900 + "]" * 900,
        '{"a":' * 900 + "1" + "}" * 900,
    ),
    *('{"productId": "1"}', '[{"productId": "1"}]', "[null]"),
    *('"<script>alert(1)</script>"', '"=cmd()"', '"../../etc"', '"$ne"', '{"$ne": null}', "[[]]"),
    *('[{"$gt": ""}]', '{"S": "x"}', '"\\r\\nX-Evil: 1"', "9" * 4300, "9" * 20, '"\\u2028"'),
]
FIELDS = [
    *((Route("POST", "/api/products"), name) for name in ("name", "description", "price", "image")),
    *((Route("POST", "/api/orders"), name) for name in ("items", "total", "userEmail", "price")),
    *((Route("POST", "/api/orders"), name) for name in ("productId", "quantity", "status")),
    *((Route("POST", "/api/tickets"), name) for name in ("subject", "message", "conversation")),
    (Route("POST", "/api/tickets"), "userEmail"),
    (Route("PUT", "/api/orders/{id}"), "status"),
    (Route("PUT", "/api/tickets/{id}"), "status"),
]
SAMPLES: dict[str, dict[str, Any]] = {
    f"{route.method} {route.template}": route.body for route in WITH_BODY
}


@pytest.mark.parametrize(("route", "field"), FIELDS, ids=str)
def test_no_value_of_a_field_gives_a_500(route: Route, field: str, shop: httpx2.Client) -> None:
    sample = {name: value for name, value in SAMPLES[str(route)].items() if name != field}
    rest = json.dumps(sample)[1:-1]

    for nasty in NASTY:
        body = f'{{{rest}{"," if rest else ""} "{field}": {nasty}}}'
        answer = shop.request(route.method, route.path("nope"), content=body, headers=JSON)

        if answer.status_code == 201:
            assert shop.get(answer.headers["Location"]).json() == answer.json()
            shop.delete(answer.headers["Location"])
        else:
            problem = is_problem(answer, 400, 404, 409, 422)
            for pointer in pointers(problem) if "errors" in problem else ():
                assert pointer.startswith(f"/{field}") or pointer == ""


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.floats(),
        st.integers(),
        st.text(st.characters(exclude_categories=()), max_size=20),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def _bodies(fields: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(fields, json_values))


@given(
    st.sampled_from(WITH_BODY).flatmap(
        lambda route: st.tuples(
            st.just(route),
            _bodies([*route.body, "items", "total", "userEmail", "conversation", "image"]),
        )
    )
)
def test_no_body_gives_a_500(shop: httpx2.Client, request_: tuple[Route, dict[str, Any]]) -> None:
    route, changes = request_

    answer = shop.request(
        route.method,
        route.path("nope"),
        content=json.dumps(route.body | changes),
        headers=JSON,
    )

    if answer.status_code == 201:
        shop.delete(answer.headers["Location"])
    else:
        is_problem(answer, 400, 404, 409, 422)


def test_the_last_of_two_equal_keys_counts(shop: httpx2.Client) -> None:
    body = b'{"subject": "first", "subject": "last"}'

    answer = shop.post("/api/tickets", content=body, headers=JSON)

    assert answer.json()["subject"] == "last"
    shop.delete(answer.headers["Location"])


@each_with_body
@pytest.mark.parametrize("value", [None, 1, 1.5, "", "x", [], {}, [None], {"a": 1}, True, "1e9"])
def test_a_request_is_not_refused_with_a_librarys_message(
    value: object, route: Route, shop: httpx2.Client
) -> None:
    bodies = [value, dict.fromkeys(route.body, value), {}]

    answers = [
        shop.request(route.method, route.path("1"), json=body, headers=JSON) for body in bodies
    ]

    said = [
        each["message"]
        for answer in answers
        if answer.status_code == 422
        for each in answer.json().get("errors", [])
    ]
    words = re.compile(r"[Ii]nput|[Ff]ield required|should|valid (string|integer|number|list|dict)")
    assert not [each for each in said if words.search(each)]
