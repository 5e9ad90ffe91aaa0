"""Documents that are built once: their tags, their codings, and conditional requests."""

import gzip

import pytest
from starlette.responses import Response

from cloudmart.http.etag import Representation, prefers_gzip

CONTENT = b'[{"name":"Lamp"}]' * 20


@pytest.fixture
def made() -> list[int]:
    """Provide a list in which each building of the document is noted."""
    return []


@pytest.fixture
def document(made: list[int]) -> Representation:
    """Provide a document of version v."""

    def content() -> bytes:
        made.append(1)
        return CONTENT

    return Representation("v", content)


async def asked(document: Representation, *headers: tuple[str, str]) -> Response:
    """Return the answer to a client that sends some headers."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return await document.answer(raw)


@pytest.mark.asyncio
async def test_each_coding_has_its_own_strong_tag(
    document: Representation, made: list[int]
) -> None:
    plain = await asked(document)
    packed = await asked(document, ("accept-encoding", "gzip, br"))

    assert (plain.headers["ETag"], plain.body) == ('"v"', CONTENT)
    assert packed.headers["ETag"] == '"v-gzip"'
    assert gzip.decompress(bytes(packed.body)) == CONTENT
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    for answer in (plain, packed):
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["Content-Length"] == str(len(answer.body))
        assert answer.headers["Content-Type"] == "application/json"
    assert made == [1]


@pytest.mark.asyncio
async def test_a_coding_is_made_once(document: Representation) -> None:
    gzipped = ("accept-encoding", "gzip")
    assert document.ready_answer([(b"accept-encoding", b"gzip")]) is None

    first = await asked(document, gzipped)

    assert (await asked(document, gzipped)).body is first.body
    assert document.ready_answer([(b"accept-encoding", b"gzip")]) is not None


@pytest.mark.parametrize(
    ("seen", "accepted"),
    [
        ('"v"', ""),
        ('W/"v"', ""),
        ('"u", W/"v"', "identity"),
        ("*", ""),
        ('"v-gzip"', "gzip"),
        ('W/"v-gzip", "v"', "gzip"),
    ],
)
@pytest.mark.asyncio
async def test_what_a_client_has_is_not_sent_again(
    seen: str, accepted: str, document: Representation
) -> None:
    answer = await asked(document, ("if-none-match", seen), ("accept-encoding", accepted))

    assert (answer.status_code, answer.body) == (304, b"")
    assert answer.headers["ETag"] in {'"v"', '"v-gzip"'}
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize(
    ("seen", "accepted"),
    [('"u"', ""), ('"v-gzip"', ""), ('"v"', "gzip"), ("v", ""), ('"v', ""), ('"V"', "")],
)
@pytest.mark.asyncio
async def test_another_version_or_coding_is_sent(
    seen: str, accepted: str, document: Representation
) -> None:
    answer = await asked(document, ("if-none-match", seen), ("accept-encoding", accepted))

    assert answer.status_code == 200


@pytest.mark.asyncio
async def test_conditions_on_several_lines_are_one_list(document: Representation) -> None:
    answer = await asked(document, ("if-none-match", '"u"'), ("if-none-match", '"v"'))

    assert answer.status_code == 304


@pytest.mark.asyncio
async def test_an_old_answer_says_how_old_it_is(document: Representation) -> None:
    whole = await document.answer([], 7)
    seen = await document.answer([(b"if-none-match", b'"v"')], 7)

    assert [whole.headers["Age"], seen.headers["Age"]] == ["7", "7"]
    assert "Age" not in (await document.answer([])).headers


@pytest.mark.parametrize(
    ("accepted", "preferred"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("br, deflate", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0.0", False),
        ("gzip;q=0, *", False),
        ("gzip ; q=0.5", True),
        ("identity, gzip;q=0.5", False),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("identity;q=0, *;q=0", False),
        ("identity", False),
        ("gzip;q=nonsense", True),
        ("gzip," * 5000, True),
        (", ;;q=", False),
    ],
)
def test_gzip_is_sent_where_it_is_liked(accepted: str, preferred: bool) -> None:  # noqa: FBT001
    assert prefers_gzip(accepted) is preferred
