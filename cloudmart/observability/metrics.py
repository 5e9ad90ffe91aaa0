"""Every metric of the service, with its unit and its meaning.

`docs/metrics.md` is made of this file. A label is a route template, a code of ours or a name from
the settings, never a path, an id, an e-mail or a word that a caller chose.
"""

from collections.abc import Sequence
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

M = TypeVar("M", bound=MetricWrapperBase)

UNITS: dict[MetricWrapperBase, str] = {}
"""What each metric counts or measures, in the order of the page."""

_OF_REQUESTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_OF_CALLS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_OF_MODELS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45)
_OF_THE_LOOP = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


def _in(unit: str, metric: M) -> M:
    UNITS[metric] = unit
    return metric


def _counter(name: str, unit: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
    return _in(unit, Counter(f"cloudmart_{name}", meaning, labels))


def _gauge(name: str, unit: str, meaning: str, labels: Sequence[str] = ()) -> Gauge:
    return _in(unit, Gauge(f"cloudmart_{name}", meaning, labels))


def _seconds(
    name: str, meaning: str, labels: Sequence[str] = (), *, buckets: Sequence[float]
) -> Histogram:
    metric = Histogram(f"cloudmart_{name}_seconds", meaning, labels, buckets=buckets)
    return _in("seconds", metric)


# --- Requests --------------------------------------------------------------------------------

REQUESTS = _seconds(
    "http_request_duration",
    "Time from a request's first byte to its answer's last. Status 499 stands for a client that "
    "went away; route `unknown` for a request that was refused before its route was looked for.",
    ["method", "route", "status"],
    buckets=_OF_REQUESTS,
)
WORKED_ON = _gauge("requests_worked_on", "requests", "Requests that are being answered.", ["lane"])
OVERLOADED = _counter(
    "overloaded", "requests", "Requests refused because the process had too many at once.", ["lane"]
)
RATE_LIMITED = _counter(
    "rate_limited",
    "requests",
    "Requests refused because their client had reached its rate limit.",
    ["kind"],
)
RATE_LIMITS_SHARED = _gauge(
    "rate_limits_shared",
    "0 or 1",
    "Whether all replicas count clients together (1), or each on its own (0).",
)
UNREAD_ANSWERS = _counter(
    "answers_cut_off", "answers", "Answers cut off because their clients did not read them."
)
LISTS_BROKEN_OFF = _counter(
    "lists_broken_off",
    "answers",
    "Lists cut off because the data store failed in the middle.",
)
SIGN_INS = _counter(
    "sign_ins",
    "credentials",
    "Credentials that the service checked, by their scheme and the result.",
    ["scheme", "outcome"],
)

# --- The shop --------------------------------------------------------------------------------

ORDERS_PLACED = _counter(
    "orders_placed", "orders", "Orders accepted. Replays and test orders are not counted."
)
ORDERS_REVENUE = _counter(
    "orders_revenue",
    "the shop's currency",
    "The totals of the orders that `cloudmart_orders_placed_total` counts.",
)
ORDERS_REFUSED = _counter(
    "orders_refused",
    "requests",
    "Requests for an order that were answered with an error, by the code of the problem.",
    ["reason"],
)
UNREADABLE_ITEMS = _counter(
    "unreadable_items",
    "items",
    "Stored items with attributes that could not be read and were left out of the answer.",
    ["kind"],
)
UNREADABLE_LATELY = _gauge(
    "unreadable_items_lately",
    "items",
    "How many stored items with such attributes were read within ten minutes, by their kind: each "
    "counts once, and 20 at most. The event `item_unreadable` names them.",
    ["kind"],
)
OLD_SHAPE_ITEMS = _counter(
    "old_shape_items",
    "reads",
    "Reads of stored items that an older release wrote, by what is old in them.",
    ["kind", "shape"],
)
CATALOGUE_READS = _counter(
    "catalogue_reads",
    "reads",
    "Reads of all products into memory, by their outcome: changed, unchanged, overtaken by "
    "a change of this process, too_large or failed.",
    ["outcome"],
)
CATALOGUE_AGE = _gauge(
    "catalogue_age_seconds",
    "seconds",
    "How old the copy of the products in memory is; not a number while there is none.",
)
CATALOGUE_STALE_ANSWERS = _counter(
    "catalogue_stale_answers",
    "answers",
    "Answers from a copy of the products that was too old, because DynamoDB did not answer.",
)

# --- DynamoDB --------------------------------------------------------------------------------

DYNAMODB_CALLS = _seconds(
    "dynamodb_operation_duration",
    "Time of a call of DynamoDB with its retry, by its outcome: ok, condition_failed, throttled, "
    "denied (credentials, rights, tables that are not there), timeout, away, refused (any other "
    "error), or abandoned by its caller.",
    ["operation", "table", "outcome"],
    buckets=_OF_CALLS,
)
DYNAMODB_CAPACITY = _counter(
    "dynamodb_consumed_capacity",
    "capacity units",
    "What DynamoDB says that successful calls consumed, indexes included: units to write for put, "
    "update and delete, else units to read.",
    ["operation", "table"],
)
DYNAMODB_RETRIES = _counter(
    "dynamodb_retries",
    "calls",
    "Calls of DynamoDB that were made a second time.",
    ["operation", "table"],
)
INDEX_FALLBACKS = _counter(
    "index_fallbacks",
    "look-ups",
    "Look-ups answered by a scan of the whole table because an index is not usable.",
    ["index"],
)

# --- Assistants ------------------------------------------------------------------------------

CHAT_TURNS = _counter(
    "chat_turns",
    "messages",
    "Messages to an assistant, by how they ended.",
    ["provider", "outcome"],
)
AI_REQUESTS = _seconds(
    "ai_request_duration",
    "Time that a provider took for one step of an answer, or for one reading of a chat's mood. "
    "The outcome is answered, tools, abandoned, or the code of the problem.",
    ["provider", "model", "outcome"],
    buckets=_OF_MODELS,
)
AI_FIRST_TOKEN = _seconds(
    "ai_time_to_first_token",
    "Time until a step's first text, for steps that have text.",
    ["provider", "model"],
    buckets=_OF_MODELS,
)
AI_TOKENS = _counter(
    "ai_tokens",
    "tokens",
    "Tokens used: input (with the cached), cached, output (with the reasoning), reasoning.",
    ["provider", "model", "kind"],
)
AI_COST = _counter(
    "ai_cost_usd",
    "US dollars",
    "What providers charge by the list prices of `cloudmart/ai/prices.toml`.",
    ["provider", "model"],
)
AI_UNPRICED = _counter(
    "ai_unpriced_requests",
    "requests",
    "Requests that were paid for but have no price in the list, so that the cost lacks them.",
    ["provider", "model"],
)
PROVIDER_REFUSALS = _counter(
    "provider_refusals",
    "calls",
    "Calls to an AI provider that ended without a usable answer, by the reason.",
    ["provider", "problem"],
)
PROVIDER_RETRIES = _counter(
    "provider_retries",
    "calls",
    "Calls to an AI provider that were made a second time.",
    ["provider"],
)
TOOL_CALLS = _counter("ai_tool_calls", "calls", "Tools that models called.", ["tool", "result"])
ASSISTED_CHANGES = _counter(
    "ai_order_changes", "orders", "Orders changed by their customers in a chat.", ["action"]
)
ASSISTED_TICKETS = _counter(
    "ai_tickets", "tickets", "Tickets that customers opened in a chat with an assistant."
)
SENTIMENT_UNITS = _counter(
    "sentiment_units",
    "units of 1,000 characters",
    "Text that was sent to the analyzer of sentiment, as it is paid for.",
)
CHATS_ENDED = _counter(
    "chats_ended",
    "chats",
    "Chats saved as tickets, by sentiment and analyzer.",
    ["sentiment", "source"],
)
SATISFACTION = _gauge(
    "customer_satisfaction_score",
    "0 to 1",
    "The mean of (1 + positive - negative) / 2 over the last 100 chats that this process ended, "
    "by who read them. Absent while there are none.",
    ["source"],
)
SATISFACTION_CHATS = _gauge(
    "customer_satisfaction_chats",
    "chats",
    "Over how many chats the score of satisfaction is: 100 at most.",
    ["source"],
)

# --- The process -----------------------------------------------------------------------------

SPANS = _counter(
    "spans",
    "spans",
    "Spans of traces by their outcome: sent, failed (the collector did not take their batch) or "
    "dropped (too many were waiting).",
    ["outcome"],
)
READY = _gauge("ready", "0 or 1", "Whether the start is done and the process is not stopping.")
STARTUP_SECONDS = _gauge(
    "startup_seconds", "seconds", "Time from the process's start until it was ready."
)
STARTUP_WAITS = _counter(
    "startup_waits",
    "attempts",
    "Attempts of the start that had to be repeated, by what it waited for and why.",
    ["waits_for", "cause"],
)
DEPENDENCY_UP = _gauge(
    "dependency_up", "0 or 1", "Whether a dependency's last check succeeded.", ["dependency"]
)
CREDENTIALS_EXPIRY = _gauge(
    "credentials_expiry_timestamp_seconds",
    "Unix time",
    "When the AWS credentials in use expire; not a number where they do not, or are not known.",
)
IDENTITY_MISMATCH = _gauge(
    "identity_mismatch",
    "0 or 1",
    "Whether AWS sees this pod as another role than its ServiceAccount names.",
)
CONFIGURATION_STALE = _gauge(
    "configuration_stale",
    "0 or 1",
    "Whether the cluster's configuration is newer than this process's.",
)
CONFIGURATION = _gauge(
    "configuration_info",
    "1",
    "Always 1; the label names the configuration that the process was started with.",
    ["fingerprint"],
)
PROMPT = _gauge(
    "assistant_prompt_info",
    "1",
    "Always 1; the label tells which instructions the assistants' models get.",
    ["version"],
)
BUILD = _gauge("build_info", "1", "Always 1; the labels name the build.", ["version", "commit"])
LOOP_LAG = _seconds(
    "event_loop_lag",
    "How much later than asked the event loop woke a task, tried twice a second.",
    buckets=_OF_THE_LOOP,
)
MEMORY_LIMIT = _gauge(
    "memory_limit_bytes",
    "bytes",
    "The memory that the container may use; not a number where there is no limit. What is used is "
    "`process_resident_memory_bytes`.",
)

# --- The pipeline ----------------------------------------------------------------------------

PIPELINE_RUNS = _gauge(
    "pipeline_runs", "0 or 1", "Whether a part of the pipeline is switched on.", ["part"]
)
PIPELINE_LAG = _gauge(
    "pipeline_lag_seconds",
    "seconds",
    "How long the oldest order that BigQuery lacks has been waiting.",
)
PIPELINE_ITERATOR_AGE = _gauge(
    "pipeline_iterator_age_seconds",
    "seconds",
    "The age of the stream's records that the pipeline read last.",
)
PIPELINE_FAILURES = _gauge(
    "pipeline_failures",
    "batches (queued) or records (quarantined)",
    "Batches and records that the pipeline gave up, by where they wait.",
    ["where"],
)
PIPELINE_ORDERS_TODAY = _gauge(
    "pipeline_orders_today",
    "orders",
    "Orders created today (UTC), in DynamoDB and in BigQuery.",
    ["store"],
)
PIPELINE_UNKNOWN = _gauge(
    "pipeline_unknown", "figures", "How many values of the pipeline's status are unknown."
)
PIPELINE_LOOKED_AT = _gauge(
    "pipeline_looked_at_timestamp_seconds",
    "Unix time",
    "When the pipeline's status was read; its other metrics are from that moment.",
)
PIPELINE_HEARTBEAT = _gauge(
    "pipeline_heartbeat_seconds",
    "seconds",
    "How long the last heartbeat took to get to BigQuery; NaN if it did not arrive in time.",
)
PIPELINE_HEARTBEATS = _counter(
    "pipeline_heartbeats",
    "heartbeats",
    "Heartbeats that this pod sent, by their outcome: arrived, lost or unsent.",
    ["outcome"],
)

# --- Invariants ------------------------------------------------------------------------------

INVARIANT_VIOLATIONS = _gauge(
    "invariant_violations",
    "things",
    "How much contradicts an invariant: `orders_arrive` (1 if none came in time), `order_totals` "
    "(orders), `orders_in_bigquery` (orders), `products_complete` (products). Only the pod that "
    "checked last has it, and it is absent where the answer is not known.",
    ["invariant"],
)
INVARIANT_CHECKED = _gauge(
    "invariant_checked_timestamp_seconds",
    "Unix time",
    "When this pod last learnt how much contradicts an invariant.",
    ["invariant"],
)
INVARIANT_CHECKS = _counter(
    "invariant_checks",
    "checks",
    "Checks of invariants by this pod, by their outcome: holds, broken or unknown.",
    ["invariant", "outcome"],
)
INVARIANT_READS = _counter(
    "invariant_read_units",
    "capacity units",
    "What the checks of invariants read of DynamoDB.",
    ["invariant"],
)
