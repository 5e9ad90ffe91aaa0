"""The calculations in docs/scale.md."""

from bench.scale import PARTITION_WRITES, setup, shard_records, tables
from bench.servers import HERE


def test_the_page_has_what_is_computed_from_the_settings_of_today() -> None:
    page = (HERE / "docs" / "scale.md").read_text(encoding="utf-8")

    for table in tables().strip().split("\n\n"):
        assert table in page


def test_a_shard_of_the_stream_is_emptied_as_fast_as_a_partition_fills_it() -> None:
    assert shard_records(setup()) >= PARTITION_WRITES
