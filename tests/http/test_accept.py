"""What a client would rather have."""

import pytest
from starlette.requests import Request

from cloudmart.http.events import wants_events


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
