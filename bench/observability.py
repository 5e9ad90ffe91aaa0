"""What metrics, lines of the log and DynamoDB's consumed capacity cost the process, in CPU time.

python -m bench.observability
"""

import asyncio
import json
import logging
import os
import sys
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any

from starlette.types import Scope

from bench.shop import ENVIRONMENT, NAMES, ORDERS, order_item
from cloudmart.composition.request_log import RequestLog
from cloudmart.dynamodb.call_metrics import observe_call
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.codec import encode_item
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.transport import Transport, open_transport
from cloudmart.observability.logging import configure_logging
from cloudmart.observability.metrics import REQUESTS
from cloudmart.observability.tracing import is_recording

_ROUNDS = 15
_CALLS = 400
_LOOPS = 20_000
_ROUTE = "/api/orders/{order_id}"
_SCOPE: Scope = {
    "method": "POST",
    "path": "/api/orders",
    "path_params": {"order_id": "k7m2p9q4r6t8v3w5"},
}
_CONSUMED = {"TableName": NAMES.orders_table, "CapacityUnits": 1.0}
_READ: dict[str, Any] = {
    "TableName": NAMES.orders_table,
    "Key": {"id": {"S": "order1"}},
    "ConsistentRead": True,
}
_ASKED = {"ReturnConsumedCapacity": "TOTAL"}


@contextmanager
def _store() -> Iterator[str]:
    """Run what answers each call with an order, and with what it consumed if that is asked."""
    loop = asyncio.new_event_loop()
    item = {"Item": encode_item(order_item(ORDERS[0]))}
    answers = {
        asked: _answer(item | ({"ConsumedCapacity": _CONSUMED} if asked else {}))
        for asked in (False, True)
    }

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r", 1)[0])
            body = await reader.readexactly(length)
            writer.write(answers[b"ReturnConsumedCapacity" in body])

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(_until_gone(serve), "127.0.0.1", 0)

    server = loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _until_gone(serve: Serve) -> Serve:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    return served


def _answer(document: Mapping[str, Any]) -> bytes:
    body = json.dumps(document).encode()
    head = (
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/x-amz-json-1.0\r\n"
        f"x-amzn-RequestId: {'A' * 52}\r\n"
        f"x-amz-crc32: {zlib.crc32(body)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _calls(rounds: int, calls: int) -> tuple[float, float]:
    """Return the microseconds of a call without consumed capacity, and what it adds."""
    session = new_session("us-east-1")
    database = Database(session, within=30)
    await database.open()
    plain, added = [], []
    async with open_transport(session, database.client) as transport:
        await _timed(transport, {}, calls)
        for _ in range(rounds):
            # They take turns, so that what else the machine does hits both.
            without = await _timed(transport, {}, calls)
            plain.append(without)
            added.append(await _timed(transport, _ASKED, calls) - without)
    await database.close()
    return median(plain), median(added)


async def _timed(transport: Transport, asked: dict[str, str], calls: int) -> float:
    began = thread_time()
    for _ in range(calls):
        await transport.call("get_item", _READ | asked)
    return (thread_time() - began) / calls * 1e6


def _looped(works: Mapping[str, Callable[[], object]], rounds: int, loops: int) -> dict[str, float]:
    """Return the microseconds of each work: the median of rounds in which all take turns."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            began = thread_time()
            for _ in range(loops):
                work()
            found[name].append((thread_time() - began) / loops * 1e6)
    return {name: median(each) for name, each in found.items()}


@contextmanager
def _log_written() -> Iterator[None]:
    """Write lines to where nobody keeps them."""
    configure_logging(json=True)
    (handler,) = logging.getLogger().handlers
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(nowhere)
        yield
        logging.getLogger().removeHandler(handler)


def _works() -> Mapping[str, Callable[[], object]]:
    timer, log = REQUESTS.labels("GET", _ROUTE, "200"), RequestLog()
    call, consumed = ("get_item", NAMES.orders_table, "ok", 0.004), {"ConsumedCapacity": _CONSUMED}
    return {
        "metric of a request": lambda: timer.observe(0.004),
        "metrics of a call of DynamoDB": lambda: observe_call(*call, {}),
        "the same, with what it consumed": lambda: observe_call(*call, consumed),
        "no line for a read": lambda: log.note(_SCOPE, "GET", _ROUTE, 200, 0.004),
        "line for a write": lambda: log.note(_SCOPE, "POST", _ROUTE, 201, 0.004),
        "tracing, off": is_recording,
    }


def main(rounds: int = _ROUNDS, calls: int = _CALLS, loops: int = _LOOPS) -> None:
    """Print a table."""
    with _log_written():
        looped = _looped(_works(), rounds, loops)
    with _store() as url:
        os.environ |= ENVIRONMENT | {"AWS_ENDPOINT_URL_DYNAMODB": url}
        plain, added = asyncio.run(_calls(rounds, calls))
    rows = looped | {
        "GetItem on loopback": plain,
        "ReturnConsumedCapacity, added to it": added,
    }
    sys.stdout.write("µs of CPU\n")
    for name, cost in rows.items():
        sys.stdout.write(f"{cost:9.2f}  {name}\n")


if __name__ == "__main__":
    main()
