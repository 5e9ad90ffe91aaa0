"""The BigQuery emulator that other tests use."""

import httpx2


def test_emulator_answers_a_query_in_bigquerys_own_sql(bigquery_emulator: str) -> None:
    # Only BigQuery has `qualify`, and `unnest` of an array of structs.
    query = (
        "select day from unnest([struct(1 as day), struct(2 as day)]) "
        "where true qualify row_number() over (order by day desc) = 1"
    )

    answer = httpx2.post(
        f"{bigquery_emulator}/bigquery/v2/projects/cloudmart/queries",
        json={"query": query, "useLegacySql": False},
        timeout=60,
    )

    assert answer.json()["rows"] == [{"f": [{"v": "2"}]}]
