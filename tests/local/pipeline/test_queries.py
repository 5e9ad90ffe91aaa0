"""Questions to the local warehouse: what can be asked, by whom, and what cannot be reached."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest

from cloudmart.local.duckdb_warehouse import duckdb_connection
from cloudmart.local.queries import MOST_ROWS, Answer, answering, ask
from cloudmart.pipeline.place import UnsafePlaceError, place_of, prepare


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an empty warehouse."""
    with duckdb_connection() as connection:
        yield connection


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a place for a socket, whose path has to be short."""
    with TemporaryDirectory() as directory:
        yield place_of(5000, {"XDG_RUNTIME_DIR": directory})


def asked(place: Path, question: bytes) -> Answer:
    """Ask on a socket."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(place))
        asking.sendall(question)
        asking.shutdown(socket.SHUT_WR)
        answer: Answer = json.loads(asking.makefile("rb").read())
    return answer


def test_columns_and_rows_are_answered(connection: duckdb.DuckDBPyConnection) -> None:
    answer = ask(connection, "select 1 as one, 'a' as two;")

    assert answer == {"columns": ["one", "two"], "rows": [(1, "a")], "more": False}


@pytest.mark.parametrize(
    "question",
    [
        "",
        "delete from orders",
        "select 1; drop table orders",
        "set threads = 8",
        "attach 'other.db'",
        "copy orders to 'orders.csv'",
    ],
)
def test_what_is_no_question_is_refused(
    question: str, connection: duckdb.DuckDBPyConnection
) -> None:
    assert ask(connection, question) == {"error": "What can be asked is one SELECT."}


@pytest.mark.parametrize(
    "question",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from glob('/etc/*')",
        "select * from read_text('/etc/passwd')",
    ],
)
def test_no_file_can_be_read(question: str, connection: duckdb.DuckDBPyConnection) -> None:
    answer = ask(connection, question)

    assert answer.keys() == {"error"}
    assert "root" not in answer["error"]


def test_a_question_that_is_wrong_is_answered_with_what_is(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert "colour" in ask(connection, "select colour from orders")["error"]


def test_more_rows_than_anybody_reads_are_not_answered(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    answer = ask(connection, "select * from range(100000)")

    assert (len(answer["rows"]), answer["more"]) == (MOST_ROWS, True)


def test_a_question_that_takes_too_long_is_broken_off(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    question = "select count(*) from range(10000000) a, range(10000000) b where a.range % 7 = 3"

    answer = ask(connection, question, longest=0.2)

    assert answer == {"error": "The answer took more than 0.2 s."}


def test_questions_are_answered_on_the_socket_until_the_end(
    connection: duckdb.DuckDBPyConnection, place: Path
) -> None:
    with answering(place, lambda question: ask(connection, question)):
        assert asked(place, b"select count(*) as orders from orders")["rows"] == [[0]]
        assert asked(place, b"\xff\xfe").keys() == {"error"}
        assert place.parent.stat().st_mode & 0o077 == 0

    assert not place.exists()


def test_a_socket_that_was_left_behind_is_replaced(
    connection: duckdb.DuckDBPyConnection, place: Path
) -> None:
    prepare(place)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place))

    with answering(place, lambda question: ask(connection, question)):
        assert asked(place, b"select 1 as one")["columns"] == ["one"]


def test_a_directory_that_others_may_write_to_is_not_used(place: Path) -> None:
    place.parent.mkdir()
    place.parent.chmod(0o777)

    with pytest.raises(UnsafePlaceError):
        prepare(place)


def test_a_link_to_somewhere_else_is_not_followed(place: Path, tmp_path: Path) -> None:
    place.parent.symlink_to(tmp_path)

    with pytest.raises(UnsafePlaceError):
        prepare(place)
