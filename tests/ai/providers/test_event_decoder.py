"""Server-sent events are read as the standard has it, however they are cut on their way."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from cloudmart.ai.providers.responses_api import EventDecoder

STREAM = st.lists(
    st.sampled_from([b"data:", b"data: ", b"a", b"\n", b"\r", b"\r\n", b":", b"event: x", b"\xc3"]),
    max_size=30,
).map(b"".join)


def decoded(*chunks: bytes) -> list[bytes]:
    """Return the data of all events."""
    decoder = EventDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\r\n\r\n", [b"a"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data:  a\ndata: b\n\n", [b" a\nb"]),
        (b": working\nevent: x\nid: 1\nretry: 5\ndata: a\n\n", [b"a"]),
        (b"event: x\n\n", []),
        (b"data\n\ndata:\n\n", []),
        (b"database: a\n\n", []),
        (b"data: a\n", []),
    ],
    ids=repr,
)
def test_the_data_of_each_event_is_read(stream: bytes, events: list[bytes]) -> None:
    assert decoded(stream) == events
    assert decoded(*(stream[place : place + 1] for place in range(len(stream)))) == events


@given(STREAM, st.lists(st.integers(0, 120), max_size=8))
def test_a_stream_is_the_same_however_it_is_cut(stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[begin:end] for begin, end in pairwise(places)]

    assert decoded(*pieces) == decoded(stream)


@given(STREAM.filter(lambda stream: b"\xc3" not in stream))
def test_events_are_those_that_the_sdk_reads(stream: bytes) -> None:
    theirs = [event.data.encode() for event in SSEDecoder().iter_bytes(iter([stream]))]

    assert decoded(stream) == [data for data in theirs if data]
