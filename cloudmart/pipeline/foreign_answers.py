"""Answers to insertions that are not BigQuery's: what a proxy on the way sends instead.

https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll#response-body
"""

from google.cloud.bigquery import Client
from requests import Response

_KIND = "bigquery#tableDataInsertAllResponse"
_REFUSED = 400


def refuse_foreign_answers(client: Client) -> None:
    """Have a client raise ValueError for an answer to an insertion that does not say what it is.

    To the client any JSON object without `insertErrors` is a success, and the rows would be told
    to be there. BigQuery names the kind of each answer; emulators do not.
    """
    session = client._http  # noqa: SLF001 - there is no other way to the session that it makes
    session.hooks["response"].append(_refuse)


def _refuse(response: Response, **_: object) -> None:
    path = (response.url or "").partition("?")[0]
    if response.status_code >= _REFUSED or not path.endswith("/insertAll"):
        return
    told = response.json()
    if not isinstance(told, dict) or told.get("kind") != _KIND:
        msg = f"an answer with status {response.status_code} is no {_KIND}"
        raise ValueError(msg)
