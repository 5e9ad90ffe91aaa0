"""The health check of a container."""

import socket
import sys
from collections.abc import Iterator

import pytest

from tests.support.cli_process import running
from tests.support.scripted_server import LoopbackServer, Reply, loopback


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Provide a service whose answer a test chooses."""
    with loopback() as server:
        yield server


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_its_exit_code_is_the_readiness_of_the_service(
    server: LoopbackServer, status: int, code: int
) -> None:
    server.play(Reply.json(status, {"status": "said"}))

    with running("-m", "cloudmart.health.ping", PORT=server.url.rpartition(":")[2]) as it:
        ended = it.ended()

    assert [request.path for request in server.requests] == ["/ready"]
    assert (ended.code, ended.out, ended.err) == (code, '{"status": "said"}', "")


@pytest.mark.parametrize("listens", [True, False])
def test_an_invalid_answer_means_not_ready(*, listens: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if not listens:
            listener.close()
        with running("-m", "cloudmart.health.ping", PORT=str(port)) as it:
            ended = it.ended()

    assert ended.code == 1
    assert "Error" in ended.out


def test_it_imports_next_to_nothing() -> None:
    program = "import sys, cloudmart.health.ping; print(*sys.modules)"

    with running("-c", program) as it:
        ended = it.ended()

    loaded = {name.partition(".")[0] for name in ended.out.split()} - set(sys.stdlib_module_names)
    assert loaded & {"fastapi", "boto3", "botocore", "pydantic", "structlog", "starlette"} == set()
