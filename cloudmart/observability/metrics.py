"""Every metric of the service, labelled by route template and never by path, id or e-mail."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "cloudmart_http_request_duration_seconds",
    "Time from a request's first byte to its answer's last.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
ORDERS_PLACED = Counter("cloudmart_orders_placed", "Orders accepted, replays not counted.")
UNREADABLE_ITEMS = Counter(
    "cloudmart_unreadable_items",
    "Stored items with attributes that could not be read and were left out of the answer.",
    ["kind"],
)
CATALOGUE_READS = Counter(
    "cloudmart_catalogue_reads",
    "Reads of all products into memory, by their outcome: changed, unchanged, overtaken by "
    "a change of this process, too_large or failed.",
    ["outcome"],
)
CATALOGUE_AGE = Gauge(
    "cloudmart_catalogue_age_seconds",
    "How old the copy of the products in memory is; not a number while there is none.",
)
CATALOGUE_STALE_ANSWERS = Counter(
    "cloudmart_catalogue_stale_answers",
    "Answers from a copy of the products that was too old, because DynamoDB was away.",
)
INDEX_FALLBACKS = Counter(
    "cloudmart_index_fallbacks",
    "Look-ups answered by a scan of the whole table because an index is not usable.",
    ["index"],
)
LISTS_BROKEN_OFF = Counter(
    "cloudmart_lists_broken_off",
    "Lists whose connection was broken off because the store failed in the middle.",
)
PROVIDER_REFUSALS = Counter(
    "cloudmart_provider_refusals",
    "Calls to a provider of AI that ended without a usable answer, by what was wrong.",
    ["provider", "problem"],
)
PROVIDER_RETRIES = Counter(
    "cloudmart_provider_retries",
    "Calls to a provider of AI that were made a second time.",
    ["provider"],
)
CHAT_TURNS = Counter(
    "cloudmart_chat_turns", "Messages to an assistant, by how they ended.", ["provider", "outcome"]
)
CHAT_STEPS = Histogram(
    "cloudmart_chat_step_duration_seconds",
    "Time a model took for one step of an answer.",
    ["provider"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45),
)
AI_TOKENS = Counter(
    "cloudmart_ai_tokens", "Tokens used; cached ones are part of the input.", ["provider", "kind"]
)
TOOL_CALLS = Counter("cloudmart_ai_tool_calls", "Tools that models called.", ["tool", "result"])
ASSISTED_CHANGES = Counter(
    "cloudmart_ai_order_changes", "Orders changed by their customers in a chat.", ["action"]
)
SENTIMENT_UNITS = Counter(
    "cloudmart_sentiment_units",
    "Units of text that were sent to the analyzer of sentiment, as it is paid for.",
)
CHATS_ENDED = Counter(
    "cloudmart_chats_ended",
    "Chats saved as tickets, by how the customer sounded and who says so.",
    ["sentiment", "source"],
)
RATE_LIMITED = Counter(
    "cloudmart_rate_limited", "Requests refused because their client had asked enough.", ["kind"]
)
RATE_LIMITS_SHARED = Gauge(
    "cloudmart_rate_limits_shared",
    "Whether clients are counted by all replicas together, and not by each for itself.",
)
WORKED_ON = Gauge("cloudmart_requests_worked_on", "Requests that are being answered.", ["lane"])
OVERLOADED = Counter(
    "cloudmart_overloaded", "Requests sent away because too much was asked at once.", ["lane"]
)
UNREAD_ANSWERS = Counter(
    "cloudmart_answers_cut_off", "Answers cut off because their clients did not read them."
)
SIGN_INS = Counter(
    "cloudmart_sign_ins",
    "Credentials that the service checked, by their scheme and the result.",
    ["scheme", "outcome"],
)
READY = Gauge("cloudmart_ready", "Whether the start is done and the process is not stopping.")
STARTUP_SECONDS = Gauge(
    "cloudmart_startup_seconds", "Time from the process's start until it was ready."
)
STARTUP_WAITS = Counter(
    "cloudmart_startup_waits",
    "Attempts of the start that had to be repeated, by what it waited for and why.",
    ["waits_for", "cause"],
)
DEPENDENCY_UP = Gauge(
    "cloudmart_dependency_up", "Whether a dependency's last check was good.", ["dependency"]
)
IDENTITY_MISMATCH = Gauge(
    "cloudmart_identity_mismatch",
    "Whether AWS sees this pod as another role than its ServiceAccount names.",
)
CONFIGURATION_STALE = Gauge(
    "cloudmart_configuration_stale",
    "Whether the cluster's configuration is newer than this process's.",
)
BUILD = Gauge(
    "cloudmart_build_info",
    "Always 1; the labels tell what was built.",
    ["version", "commit"],
)
CONFIGURATION = Gauge(
    "cloudmart_configuration_info",
    "Always 1; the label tells which configuration the process was started with.",
    ["fingerprint"],
)
PIPELINE_RUNS = Gauge(
    "cloudmart_pipeline_runs", "Whether a part of the pipeline is switched on.", ["part"]
)
PIPELINE_LAG = Gauge(
    "cloudmart_pipeline_lag_seconds",
    "How long the first order that BigQuery has not got yet has been waiting.",
)
PIPELINE_ITERATOR_AGE = Gauge(
    "cloudmart_pipeline_iterator_age_seconds",
    "How old the stream's records were that the pipeline read last.",
)
PIPELINE_FAILURES = Gauge(
    "cloudmart_pipeline_failures", "What the pipeline gave up, by where it waits.", ["where"]
)
PIPELINE_ORDERS_TODAY = Gauge(
    "cloudmart_pipeline_orders_today",
    "Orders created today (UTC) that each side has.",
    ["store"],
)
PIPELINE_UNKNOWN = Gauge(
    "cloudmart_pipeline_unknown", "How much of the pipeline's status could not be learnt."
)
PIPELINE_LOOKED_AT = Gauge(
    "cloudmart_pipeline_looked_at_timestamp_seconds",
    "When the pipeline was looked at; the other figures about it are of then.",
)
PIPELINE_HEARTBEAT = Gauge(
    "cloudmart_pipeline_heartbeat_seconds",
    "How long the last heartbeat took to get to BigQuery; not a number if it did not in time.",
)
PIPELINE_HEARTBEATS = Counter(
    "cloudmart_pipeline_heartbeats",
    "Heartbeats that this pod sent, by their outcome: arrived, lost or unsent.",
    ["outcome"],
)
