"""The measurement of tracing works; there are too few requests to measure anything."""

import pytest

from bench.tracing import main


def test_a_line_for_each_share_of_requests_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(requests=20)

    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["off", "0.05", "1.0"]
