"""Every metric of the service, labelled by route template and never by path, id or e-mail."""

from prometheus_client import Counter, Histogram

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
