"""A process that must end while its warehouse hangs."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2

from cloudmart.settings import Settings
from tests.support.scripted_server import Reply, loopback
from tests.support.serve_process import environment, serving_process


def _never_whole() -> Iterator[bytes]:
    # Each byte arrives in time for a client that waits for one byte.
    while True:
        time.sleep(0.2)
        yield b" "


def test_a_process_ends_in_time_though_bigquery_does_not_answer(
    settings: Settings, tmp_path: Path
) -> None:
    with loopback() as bigquery, ThreadPoolExecutor(1) as threads:
        bigquery.answer = lambda _: Reply(chunks=_never_whole())
        environ = environment(
            settings,
            GOOGLE_CLOUD_PROJECT_ID="cloudmart",
            BIGQUERY_DATASET_ID="shop",
            BIGQUERY_TABLE_ID="orders",
            BIGQUERY_EMULATOR_HOST=bigquery.url,
        )
        with serving_process(environ, tmp_path) as it:
            it.wait_for(200, "/ready")
            asking = threads.submit(httpx2.get, f"{it.url}/api/pipeline/status", timeout=30)
            while not bigquery.requests:
                time.sleep(0.01)

            it.stop()
            # A client that waits for the last byte would wait without end.
            code, log = it.ended()

            with suppress(httpx2.TransportError):
                asking.result()

    assert code == 0, log
