"""What a number of orders a second needs, by the published limits of AWS and Google.

`python -m bench.scale` prints the table of docs/scale.md. A test compares the page with it.
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

# Limits. docs/scale.md links to the source of each.
PARTITION_WRITES = 1_000
PARTITION_READS = 3_000
NEW_TABLE_WRITES = 4_000
TABLE_WRITES = 40_000
LAMBDA_CONCURRENCY = 1_000
INSERT_BYTES = 300_000_000

# Assumptions about a shop.
CHANGES = 3
"""How often the status of an order changes after it was placed. Each change is one write."""
PAGE_VIEWS = 20
"""Requests for the catalogue, for each order."""
CHATS = 0.05
ANSWERS = 4
TOKENS = 3_000
"""Chats for each order, answers in a chat, and tokens of an answer."""
ANSWER_SECONDS = 3
CATALOGUE_BYTES = 50_000
CATALOGUE_TTL = 2
INVOCATION_SECONDS = 1.0

# Measured in docs/performance.md: CPU seconds of an order, of a read, and of a page view.
ORDER_CPU = 0.0009
READ_CPU = 0.0005
VIEW_CPU = 0.0001
BUSY = 0.7
"""The share of a pod's CPU that the autoscaler aims at."""
CHATS_A_POD = 200


@dataclass(frozen=True, slots=True)
class Setup:
    """The present settings of the repository."""

    max_pods: int
    batch: int
    parallel: int
    daily_tokens: int
    shards: int


def setup() -> Setup:
    """Read the settings from the manifests, the template and the code."""
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
    """Return roughly the size that DynamoDB counts for a value or an item."""
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
"""Write units of an order with two lines, in the table and in each index."""


def pods(rate: int) -> int:
    """Return the number of pods that the CPU for this many orders a second needs."""
    cpu = ORDER_CPU + 2 * READ_CPU + CHANGES * ORDER_CPU + PAGE_VIEWS * VIEW_CPU
    return max(2, math.ceil(rate * cpu / BUSY))


def chats(rate: int) -> int:
    """Return the number of assistants' answers that are written at the same time."""
    return math.ceil(rate * CHATS * ANSWERS * ANSWER_SECONDS)


def writes(rate: int) -> int:
    """Return the write units a second of the table, and of each of its indexes."""
    return rate * (1 + CHANGES) * ORDER_UNITS


def partitions(rate: int) -> int:
    """Return the smallest number of partitions that accept the writes of the table."""
    return math.ceil(writes(rate) / PARTITION_WRITES)


def day_shard(rate: int) -> int:
    """Return the write units of one shard of a day, if all changes belong to that day."""
    return math.ceil(writes(rate) / SHARDS)


def rows(now: Setup) -> Iterator[tuple[str, Callable[[int], float]]]:
    """Yield the computed values, each with its name."""
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
    """Yield each limit, with the orders a second at which it is reached."""
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
    """Return how many records a second can be read from one shard of the stream."""
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
