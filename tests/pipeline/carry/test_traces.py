"""The traces of the changes in a batch."""

from typing import Any

import pytest

from cloudmart.pipeline.carry.carrier import MOST_LINKS, trace_links

FIRST = f"00-{'1' * 32}-{'2' * 16}-01"
SECOND = f"00-{'3' * 32}-{'4' * 16}-00"


def _image(link: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the stream sends
    return {"id": {"S": "1"}} | ({} if link is None else {"traceparent": link})


def _record(new: Any = None, old: Any = None) -> dict[str, Any]:  # noqa: ANN401
    return {"dynamodb": {"NewImage": _image(new), "OldImage": _image(old)}}


def test_each_change_leads_to_its_trace_once() -> None:
    records = [
        _record({"S": FIRST}),
        _record({"S": SECOND}, {"S": FIRST}),
        _record({"S": SECOND}, {"S": FIRST}),
    ]

    assert trace_links(records) == [FIRST, SECOND]


def test_a_change_without_a_trace_leads_nowhere() -> None:
    assert trace_links([_record({"S": FIRST}, {"S": FIRST})]) == []


@pytest.mark.parametrize(
    "value",
    [None, "text", {"N": "1"}, {"S": 1}, {"S": "ann@example.org"}, {"S": f"{FIRST}\n"}, {"S": ""}],
)
def test_what_is_not_a_trace_is_left_out(value: Any) -> None:  # noqa: ANN401
    assert trace_links([_record(value)]) == []


@pytest.mark.parametrize(
    "record", [{}, {"dynamodb": None}, {"dynamodb": [1]}, {"dynamodb": {"NewImage": []}}]
)
def test_a_record_without_an_image_leads_nowhere(record: dict[str, Any]) -> None:
    assert trace_links([record]) == []


def test_line_names_so_many_traces_at_most() -> None:
    records = [_record({"S": f"00-{number:032x}-{'2' * 16}-01"}) for number in range(1, 200)]

    assert len(trace_links(records)) == MOST_LINKS
