"""What so many orders a second need, by the published limits of AWS and Google.

`python -m bench.scale` prints the table of docs/scale.md, and a test holds the page against it.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from bench.servers import HERE
from bench.shop import ORDERS, order_item
from cloudmart.dynamodb.schema import SHARDS
from cloudmart.settings.ai import AssistantSettings

RATES = (100, 1_000, 10_000)
"""Orders a second."""

# Limits; docs/scale.md names the page of each.
PARTITION_WRITES = 1_000
PARTITION_READS = 3_000
NEW_TABLE_WRITES = 4_000
TABLE_WRITES = 40_000
LAMBDA_CONCURRENCY = 1_000
INSERT_BYTES = 300_000_000

# What is assumed of a shop.
CHANGES = 3
"""Changes of an order's status after it was placed, one write each."""
PAGE_VIEWS = 20
"""Requests of the catalogue for each order."""
CHATS = 0.05
ANSWERS = 4
TOKENS = 3_000
"""Chats for each order, answers of a chat, tokens of an answer."""
ANSWER_SECONDS = 3
CATALOGUE_BYTES = 50_000
CATALOGUE_TTL = 2
INVOCATION_SECONDS = 1.0

# Measured: docs/performance.md. The CPU of an order, of one read, and of a page view, in seconds.
ORDER_CPU = 0.0009
READ_CPU = 0.0005
VIEW_CPU = 0.0001
BUSY = 0.7
"""The share of its CPU up to which the autoscaler fills a pod."""
CHATS_A_POD = 200


@dataclass(frozen=True, slots=True)
class Setup:
    """What the repository sets today."""

    max_pods: int
    batch: int
    parallel: int
    daily_tokens: int
    shards: int


def setup() -> Setup:
    """Read it from the manifests, the template and the code."""
    autoscaler = yaml.safe_load((HERE / "k8s/base/autoscaler.yaml").read_text("utf-8"))
    template = yaml.safe_load((HERE / "infra/pipeline.yaml").read_text("utf-8"))
    mapping = template["Resources"]["OrdersToCarrier"]["Properties"]
    return Setup(
        autoscaler["spec"]["maxReplicas"],
        mapping["BatchSize"],
        mapping["ParallelizationFactor"],
        AssistantSettings().daily_tokens,
        SHARDS,
    )


def item_bytes(value: object) -> int:
    """Return about what DynamoDB counts for a value, an item included."""
    match value:
        case Mapping():
            members = sum(len(name) + item_bytes(each) for name, each in value.items())
            return 3 + members + len(value)
        case list():
            return 3 + sum(1 + item_bytes(each) for each in value)
        case str():
            return len(value.encode())
    return math.ceil(len(str(value)) / 2) + 1


ORDER_UNITS = math.ceil(item_bytes(order_item(ORDERS[0])) / 1024)
"""Write units of an order of two lines, in the table and in each index."""


def pods(rate: int) -> int:
    """Return the pods that the CPU of so many orders a second needs."""
    cpu = ORDER_CPU + 2 * READ_CPU + CHANGES * ORDER_CPU + PAGE_VIEWS * VIEW_CPU
    return max(2, math.ceil(rate * cpu / BUSY))


def chats(rate: int) -> int:
    """Return the answers of assistants that are under way at once."""
    return math.ceil(rate * CHATS * ANSWERS * ANSWER_SECONDS)


def writes(rate: int) -> int:
    """Return the write units of the table a second, and of each of its indexes."""
    return rate * (1 + CHANGES) * ORDER_UNITS


def partitions(rate: int) -> int:
    """Return the fewest partitions that take the writes of the table."""
    return math.ceil(writes(rate) / PARTITION_WRITES)


def day_shard(rate: int) -> int:
    """Return the write units of one of the day's shards, where all changes are of the same day."""
    return math.ceil(writes(rate) / SHARDS)


def rows(now: Setup) -> Iterator[tuple[str, Callable[[int], float]]]:
    """Yield what is computed, with its name."""
    yield "write units of the orders' table", writes
    yield "partitions it needs", partitions
    yield f"write units of one of the day's {now.shards} shards", day_shard
    yield "read units of orders, read twice each", lambda rate: rate * 2
    yield "read units of the catalogue, all pods", lambda rate: pods(rate) * _refresh_units()
    yield "pods, by CPU", pods
    yield "answers of assistants at once", chats
    yield "pods, by chats", lambda rate: math.ceil(chats(rate) / CHATS_A_POD)
    yield "tokens a day, millions", lambda rate: rate * CHATS * ANSWERS * TOKENS * 86_400 / 1e6
    yield (
        "seconds until `AI_DAILY_TOKENS` is spent",
        lambda rate: now.daily_tokens / (rate * CHATS * ANSWERS * TOKENS),
    )
    yield "records of the stream a second", lambda rate: rate * (1 + CHANGES)
    yield "Lambda functions at once, at most", lambda rate: partitions(rate) * now.parallel
    yield "megabytes a second into BigQuery", lambda rate: rate * (1 + CHANGES) * 1_000 / 1e6


def breaks(now: Setup) -> Iterator[tuple[str, float]]:
    """Yield what does not go further, with the orders a second until it does not."""
    a_pod = BUSY / (pods(10**6) / 10**6 * BUSY)
    yield "`AI_DAILY_TOKENS`", now.daily_tokens / (CHATS * ANSWERS * TOKENS * 86_400)
    yield "`maxReplicas`", now.max_pods * a_pod
    yield "a new table", NEW_TABLE_WRITES / ((1 + CHANGES) * ORDER_UNITS)
    yield "a shard of the day", now.shards * PARTITION_WRITES / ((1 + CHANGES) * ORDER_UNITS)
    yield "a table's quota", TABLE_WRITES / ((1 + CHANGES) * ORDER_UNITS)
    yield (
        "the catalogue's partition",
        PARTITION_READS / _refresh_units() * a_pod,
    )
    yield "BigQuery's bytes", INSERT_BYTES / ((1 + CHANGES) * 1_000)
    yield (
        "Lambda's concurrency",
        LAMBDA_CONCURRENCY / now.parallel * PARTITION_WRITES / ((1 + CHANGES) * ORDER_UNITS),
    )


def shard_records(now: Setup) -> float:
    """Return the records a second that one shard of the stream can be emptied of."""
    return now.parallel * now.batch / INVOCATION_SECONDS


def tables() -> str:
    """Return both tables as Markdown."""
    now = setup()
    lines = [
        f"| | {' | '.join(f'{rate:,} orders/s' for rate in RATES)} |",
        f"|---|{'--:|' * len(RATES)}",
        *(
            f"| {name} | {' | '.join(_number(value(rate)) for rate in RATES)} |"
            for name, value in rows(now)
        ),
        "",
        "| what stops first | at orders/s |",
        "|---|--:|",
        *(
            f"| {name} | {_number(rate)} |"
            for name, rate in sorted(breaks(now), key=lambda each: each[1])
        ),
    ]
    return "\n".join(lines) + "\n"


def _refresh_units() -> float:
    return math.ceil(CATALOGUE_BYTES / 4096) / CATALOGUE_TTL


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"  # noqa: PLR2004


if __name__ == "__main__":
    print(tables())
