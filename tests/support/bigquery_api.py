"""A fake of BigQuery's REST API for its client: a table, streaming inserts, and faults.

with bigquery_api() as api:
    api.fail(Failure(503, "backendError"))
    ...  # insert through Google's own client
    assert api.rows == [...]
"""

import random
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudmart.pipeline.carry.bigquery import COLUMNS
from cloudmart.settings import BigQuerySettings
from tests.support.scripted_server import Fault, LoopbackServer, Reply, Request, loopback

PROJECT, DATASET, TABLE = "cloudmart", "shop", "cloudmart-orders"

_MOST_BYTES = 10_000_000
_TABLE = f"/bigquery/v2/projects/{PROJECT}/datasets/{DATASET}/tables/{TABLE}"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that BigQuery answers."""

    status: int
    reason: str

    @property
    def reply(self) -> Reply:
        """Return the body of the answer."""
        error = {"reason": self.reason, "message": f"{self.reason} happened", "domain": "global"}
        body = {"code": self.status, "message": error["message"], "errors": [error]}
        return Reply.json(self.status, {"error": body})


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """The rows are inserted, and the answer is lost."""

    fault: Fault = Fault.RESET


@dataclass(frozen=True, slots=True)
class BadRow:
    """BigQuery refuses one row of the request, and therefore does not insert the others."""

    index: int
    reason: str | None


class BigQueryApi:
    """One table, with a memory of recent row ids that a test can clear.

    Its errors name the refused rows as BigQuery does: first the rows at fault, then the rows that
    stopped because of them, both in any order.
    """

    def __init__(self, server: LoopbackServer) -> None:
        self.server = server
        self.schema = [
            {"name": name, "type": kind, "mode": "REQUIRED" if name == "id" else "NULLABLE"}
            for name, kind in COLUMNS.items()
        ]
        self.rows: list[Json] = []
        self.there = True
        self._ids: set[str] = set()
        self._shuffle = random.Random(1)  # noqa: S311 - no secret
        self._faults: deque[Failure | LostAnswer | BadRow] = deque()
        server.answer = self._answer

    @property
    def settings(self) -> BigQuerySettings:
        """The settings that name the table."""
        return BigQuerySettings(
            project_id=PROJECT, dataset_id=DATASET, table_id=TABLE, emulator=self.server.url
        )

    def fail(self, *faults: Failure | LostAnswer | BadRow) -> None:
        """Let the next insertions fail, one fault each."""
        self._faults.extend(faults)

    def forget(self) -> None:
        """Forget the ids of the inserted rows, as BigQuery does after about a minute."""
        self._ids.clear()

    def _answer(self, request: Request) -> Reply:
        path = request.path.partition("?")[0]
        if not self.there or not re.fullmatch(re.escape(_TABLE) + "(/insertAll)?", path):
            return Failure(404, "notFound").reply
        if request.method == "GET":
            return Reply.json(200, {"schema": {"fields": self.schema}, "tableReference": _NAMES})
        return self._insert_all(request)

    def _insert_all(self, request: Request) -> Reply:
        fault = self._faults.popleft() if self._faults else None
        if len(request.body) > _MOST_BYTES:
            fault = Failure(413, "uploadTooLarge")
        if isinstance(fault, Failure):
            return fault.reply
        rows = request.json["rows"]
        errors = {
            index: found for index, row in enumerate(rows) if (found := self._error(row["json"]))
        }
        if isinstance(fault, BadRow):
            errors[fault.index] = {"reason": fault.reason, "location": "", "message": ""}
        if not errors:
            self._keep(rows)
        elif request.json.get("skipInvalidRows"):
            self._keep([row for index, row in enumerate(rows) if index not in errors])
        else:
            stopped = {"reason": "stopped", "location": "", "message": ""}
            errors = dict.fromkeys(range(len(rows)), stopped) | errors
        if isinstance(fault, LostAnswer):
            return Reply(chunks=[fault.fault])
        refused = list(errors.items())
        self._shuffle.shuffle(refused)
        refused.sort(key=lambda each: each[1]["reason"] == "stopped")
        told = [{"index": index, "errors": [error]} for index, error in refused]
        kind = {"kind": "bigquery#tableDataInsertAllResponse"}
        return Reply.json(200, kind | ({"insertErrors": told} if told else {}))

    def _keep(self, rows: list[Json]) -> None:
        for row in rows:
            if row["insertId"] not in self._ids:
                self._ids.add(row["insertId"])
                self.rows.append(row["json"])

    def _error(self, row: Mapping[str, Any]) -> Json | None:
        fields = {field["name"]: field for field in self.schema}
        for name in row:
            if name not in fields:
                return _invalid(name, f"no such field: {name}.")
        for name, field in fields.items():
            value = row.get(name)
            if value is None and field["mode"] == "REQUIRED":
                return _invalid(name, f"Missing required field: {name}.")
            if value is not None and not _fits(value, field["type"]):
                return _invalid(name, f"Cannot convert value (bad value): {value}")
        return None


_NAMES = {"projectId": PROJECT, "datasetId": DATASET, "tableId": TABLE}


def _invalid(column: str, message: str) -> Json:
    return {"reason": "invalid", "location": column, "message": message, "debugInfo": ""}


def _fits(value: object, kind: str) -> bool:
    if kind == "STRING":
        return isinstance(value, str)
    if kind == "FLOAT":
        return isinstance(value, int | float)
    return kind == "TIMESTAMP" and isinstance(value, str) and _in_reach(value)


def _in_reach(text: str) -> bool:
    # BigQuery accepts rows for days of the last ten years and of the next one.
    try:
        away = (datetime.fromisoformat(text) - datetime.now().astimezone()).days
    except ValueError:
        return False
    return -3650 < away < 366


@contextmanager
def bigquery_api() -> Iterator[BigQueryApi]:
    """Serve an empty table while the context lasts."""
    with loopback() as server:
        yield BigQueryApi(server)
