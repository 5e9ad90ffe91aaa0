"""Which media type a client prefers."""

import time

import pytest
from starlette.requests import Request

from cloudmart.http.dependencies import accept_quality
from cloudmart.http.server_sent_events import wants_events


@pytest.mark.parametrize(
    ("accept", "events"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream;charset=utf-8", True),
        ("application/json, text/event-stream", True),
        ("text/event-stream;q=0.5, application/json;q=0.4", True),
        ("text/event-stream;q=0.5, application/json", False),
        ("text/event-stream;q=0", False),
        ("application/json, text/plain, */*", False),
        ("text/*", False),
        ("", False),
    ],
)
def test_events_are_for_clients_that_ask_for_them(accept: str, *, events: bool) -> None:
    request = Request({"type": "http", "headers": [(b"accept", accept.encode())]})

    assert wants_events(request) is events


@pytest.mark.parametrize("noise", [",", "x,", "text/html;", "text/html;q,", ";,", "a/b;q=1, "])
def test_a_header_that_is_long_for_its_own_sake_costs_little(noise: str) -> None:
    header = noise * (64 * 1024 // len(noise))
    began = time.process_time()

    for _ in range(100):
        accept_quality(header, "application/json")

    assert time.process_time() - began < 0.1
