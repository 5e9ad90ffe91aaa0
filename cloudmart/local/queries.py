"""Questions in SQL to the local warehouse, answered on a socket."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from cloudmart.pipeline.place import prepare

MOST_ROWS = 1000
LONGEST = 10.0
"""Seconds a question may take."""

_MOST_BYTES = 100_000
_ASKING = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})

Answer = dict[str, Any]


def ask(
    connection: duckdb.DuckDBPyConnection, question: str, *, longest: float = LONGEST
) -> Answer:
    """Return columns and rows, at most a thousand, or what is wrong with the question."""
    with connection.cursor() as cursor:
        patience = threading.Timer(longest, cursor.interrupt)
        patience.start()
        try:
            statements = cursor.extract_statements(question)
            if len(statements) != 1 or statements[0].type not in _ASKING:
                return {"error": "What can be asked is one SELECT."}
            cursor.execute(statements[0])
            rows = cursor.fetchmany(MOST_ROWS + 1)
            columns = [column[0] for column in cursor.description or ()]
        except duckdb.InterruptException:
            return {"error": f"The answer took more than {longest:g} s."}
        except duckdb.Error as error:
            return {"error": str(error)}
        finally:
            patience.cancel()
    return {"columns": columns, "rows": rows[:MOST_ROWS], "more": len(rows) > MOST_ROWS}


@contextmanager
def answering(place: Path, ask: Callable[[str], Answer]) -> Iterator[None]:
    """Answer questions for as long as the context lasts: text in, JSON out.

    A page in a browser can send requests to any port of this machine, and to no such socket.

    Raises:
        UnsafePlaceError: somebody else may write where the socket should be.
    """
    prepare(place)

    class Asked(socketserver.StreamRequestHandler):
        timeout = LONGEST

        def handle(self) -> None:
            question = self.rfile.read(_MOST_BYTES).decode(errors="replace")
            self.wfile.write(json.dumps(ask(question), default=str).encode())

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:  # noqa: ANN401
            """Let go who does not wait for the answer."""

    with Server(str(place), Asked) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            place.unlink(missing_ok=True)
