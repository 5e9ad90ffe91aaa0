"""What each dashboard shows."""

from collections.abc import Sequence

from k8s.alerts.objective import objectives
from k8s.alerts.slo import BUDGET, RATIO, WINDOWS
from k8s.dashboards.grafana import Dashboard, Panel, Query, Row

_IN = 'namespace="$namespace"'
_HTTP = "cloudmart_http_request_duration_seconds"
_COUNT = f"{_HTTP}_count"
_FAILED = 'status=~"5.."'
_UNTIL = "cloudmart_credentials_expiry_timestamp_seconds"
_LOOKED_AT = "cloudmart_pipeline_looked_at_timestamp_seconds"
_FIRING = f'ALERTS{{{_IN}, alertstate="firing"}}'
_CALLS = "cloudmart_dynamodb_operation_duration_seconds"
_AI = "cloudmart_ai_request_duration_seconds"


def _rate(series: str, by: str, chosen: str = "") -> str:
    """Return how often something happens a second, by some labels."""
    only = f"{_IN}, {chosen}" if chosen else _IN
    return f"sum by ({by}) (rate({series}{{{only}}}[$__rate_interval]))"


def _total(series: str, chosen: str = "") -> str:
    """Return how often something happens a second."""
    only = f"{_IN}, {chosen}" if chosen else _IN
    return f"sum(rate({series}{{{only}}}[$__rate_interval]))"


def _grown(series: str, by: str, chosen: str = "", window: str = "$__range") -> str:
    """Return how much a counter grew, by some labels."""
    only = f"{_IN}, {chosen}" if chosen else _IN
    total = f"increase({series}{{{only}}}[{window}])"
    return f"sum by ({by}) ({total})" if by else f"sum({total})"


def _quantile(share: float, histogram: str, by: str, chosen: str = "") -> str:
    return f"histogram_quantile({share}, {_rate(f'{histogram}_bucket', f'le, {by}', chosen)})"


def _gauge(series: str, by: str, how: str = "max") -> str:
    return f"{how} by ({by}) ({series}{{{_IN}}})"


def _number(title: str, unit: str, expr: str, words: str = "") -> Panel:
    return Panel(title, unit, [Query(expr)], words, kind="stat", width=4)


SHOP = Dashboard(
    "cloudmart-shop",
    "CloudMart: the shop",
    "What customers do, and how they are served.",
    [
        Row(
            "Now",
            [
                _number("Pods that are ready", "short", f"sum(cloudmart_ready{{{_IN}}})"),
                _number("Orders", "short", _grown("cloudmart_orders_placed_total", "")),
                _number("Revenue", "short", _grown("cloudmart_orders_revenue_total", "")),
                _number(
                    "Requests answered with an error of ours",
                    "percentunit",
                    f"({_total(_COUNT, _FAILED)} or vector(0)) / {_total(_COUNT)}",
                ),
                _number(
                    "Age of the products", "s", f"max(cloudmart_catalogue_age_seconds{{{_IN}}})"
                ),
                _number(
                    "Satisfaction",
                    "percentunit",
                    f"avg(cloudmart_customer_satisfaction_score{{{_IN}}})",
                    "The mean over the last 100 chats of each pod.",
                ),
            ],
        ),
        Row(
            "Requests",
            [
                Panel(
                    "Requests a second, by route",
                    "reqps",
                    [Query(_rate(f"{_HTTP}_count", "method, route"), "{{method}} {{route}}")],
                ),
                Panel(
                    "Answers a second, by status",
                    "reqps",
                    [Query(_rate(f"{_HTTP}_count", "status"), "{{status}}")],
                ),
                Panel(
                    "Time of 19 of 20 answers, by route",
                    "s",
                    [Query(_quantile(0.95, _HTTP, "method, route"), "{{method}} {{route}}")],
                ),
                Panel(
                    "Requests sent away or refused",
                    "reqps",
                    [
                        Query(_rate("cloudmart_overloaded_total", "lane"), "overloaded: {{lane}}"),
                        Query(_rate("cloudmart_rate_limited_total", "kind"), "too many: {{kind}}"),
                        Query(_rate("cloudmart_answers_cut_off_total", "namespace"), "not read"),
                    ],
                ),
            ],
        ),
        Row(
            "Orders",
            [
                Panel(
                    "Orders an hour",
                    "short",
                    [
                        Query(
                            f"3600 * {_rate('cloudmart_orders_placed_total', 'namespace')}",
                            "orders",
                        )
                    ],
                ),
                Panel(
                    "Orders refused, by reason",
                    "reqps",
                    [Query(_rate("cloudmart_orders_refused_total", "reason"), "{{reason}}")],
                ),
                Panel(
                    "Stored items that are damaged or of an old form",
                    "reqps",
                    [
                        Query(
                            _rate("cloudmart_unreadable_items_total", "kind"), "damaged: {{kind}}"
                        ),
                        Query(
                            _rate("cloudmart_old_shape_items_total", "kind, shape"),
                            "{{kind}}: {{shape}}",
                        ),
                    ],
                ),
                Panel(
                    "Chats that ended, by the customer's mood",
                    "short",
                    [Query(_grown("cloudmart_chats_ended_total", "sentiment"), "{{sentiment}}")],
                ),
            ],
        ),
        Row(
            "Pods",
            [
                Panel(
                    "Memory",
                    "bytes",
                    [Query(f"process_resident_memory_bytes{{{_IN}}}", "{{pod}}")],
                ),
                Panel(
                    "CPU",
                    "short",
                    [Query(_rate("process_cpu_seconds_total", "pod"), "{{pod}}")],
                ),
                Panel(
                    "How late the event loop is, 19 times of 20",
                    "s",
                    [Query(_quantile(0.95, "cloudmart_event_loop_lag_seconds", "pod"), "{{pod}}")],
                ),
                Panel(
                    "Versions",
                    "short",
                    [Query(f"sum by (version) (cloudmart_build_info{{{_IN}}})", "{{version}}")],
                ),
            ],
        ),
    ],
)

ASSISTANTS = Dashboard(
    "cloudmart-assistants",
    "CloudMart: assistants and cost",
    "What assistants answer, how fast, and what providers charge for it.",
    [
        Row(
            "Chats",
            [
                Panel(
                    "Messages, by how they ended",
                    "reqps",
                    [
                        Query(
                            _rate("cloudmart_chat_turns_total", "provider, outcome"),
                            "{{provider}}: {{outcome}}",
                        )
                    ],
                ),
                Panel(
                    "Calls of providers, by outcome",
                    "reqps",
                    [Query(_rate(f"{_AI}_count", "model, outcome"), "{{model}}: {{outcome}}")],
                ),
                Panel(
                    "Time of a call: half, and 19 of 20",
                    "s",
                    [
                        Query(_quantile(0.5, _AI, "model"), "{{model}}: half"),
                        Query(_quantile(0.95, _AI, "model"), "{{model}}: 19 of 20"),
                    ],
                ),
                Panel(
                    "Time to the first word, 19 of 20",
                    "s",
                    [
                        Query(
                            _quantile(0.95, "cloudmart_ai_time_to_first_token_seconds", "model"),
                            "{{model}}",
                        )
                    ],
                ),
                Panel(
                    "Refusals, by reason",
                    "reqps",
                    [
                        Query(
                            _rate("cloudmart_provider_refusals_total", "provider, problem"),
                            "{{provider}}: {{problem}}",
                        )
                    ],
                ),
                Panel(
                    "Tools that models called",
                    "reqps",
                    [
                        Query(
                            _rate("cloudmart_ai_tool_calls_total", "tool, result"),
                            "{{tool}}: {{result}}",
                        )
                    ],
                ),
            ],
        ),
        Row(
            "Cost",
            [
                Panel(
                    "Tokens a second",
                    "short",
                    [
                        Query(
                            _rate("cloudmart_ai_tokens_total", "model, kind"), "{{model}}: {{kind}}"
                        )
                    ],
                ),
                Panel(
                    "US dollars an hour",
                    "currencyUSD",
                    [Query(f"3600 * {_rate('cloudmart_ai_cost_usd_total', 'model')}", "{{model}}")],
                    "By the list prices of cloudmart/ai/prices.toml.",
                ),
                Panel(
                    "US dollars in this time",
                    "currencyUSD",
                    [Query(_grown("cloudmart_ai_cost_usd_total", "provider, model"), "{{model}}")],
                    kind="stat",
                ),
                Panel(
                    "Requests without a price",
                    "short",
                    [
                        Query(
                            _grown("cloudmart_ai_unpriced_requests_total", "provider, model"),
                            "{{model}}",
                        )
                    ],
                    "The cost lacks them.",
                    kind="stat",
                ),
            ],
        ),
    ],
)

AWS = Dashboard(
    "cloudmart-aws",
    "CloudMart: AWS and identity",
    "What DynamoDB answers, and with which credentials it is asked.",
    [
        Row(
            "What the service depends on",
            [
                Panel(
                    "Dependencies that are well",
                    "short",
                    [
                        Query(
                            _gauge("cloudmart_dependency_up", "dependency", "min"), "{{dependency}}"
                        )
                    ],
                    "1 is well, on every pod.",
                ),
                Panel(
                    "Time until the credentials end",
                    "s",
                    [
                        Query(
                            f"{_gauge(_UNTIL, 'pod', 'min')} - time()",
                            "{{pod}}",
                        )
                    ],
                ),
                _number(
                    "Pods with a wrong role", "short", f"sum(cloudmart_identity_mismatch{{{_IN}}})"
                ),
                _number(
                    "Pods with old configuration",
                    "short",
                    f"sum(cloudmart_configuration_stale{{{_IN}}})",
                ),
                _number(
                    "Different configurations",
                    "short",
                    f"count(count by (fingerprint) (cloudmart_configuration_info{{{_IN}}}))",
                ),
                Panel(
                    "Starts that wait, by cause",
                    "short",
                    [
                        Query(
                            _grown("cloudmart_startup_waits_total", "waits_for, cause"),
                            "{{waits_for}}: {{cause}}",
                        )
                    ],
                ),
            ],
        ),
        Row(
            "DynamoDB",
            [
                Panel(
                    "Calls, by table and operation",
                    "reqps",
                    [
                        Query(
                            _rate(f"{_CALLS}_count", "table, operation"), "{{table}}: {{operation}}"
                        )
                    ],
                ),
                Panel(
                    "Time of 19 of 20 calls",
                    "s",
                    [
                        Query(
                            _quantile(0.95, _CALLS, "table, operation", 'outcome="ok"'),
                            "{{table}}: {{operation}}",
                        )
                    ],
                ),
                Panel(
                    "Calls that did not succeed",
                    "reqps",
                    [
                        Query(
                            _rate(f"{_CALLS}_count", "table, outcome", 'outcome!="ok"'),
                            "{{table}}: {{outcome}}",
                        )
                    ],
                ),
                Panel(
                    "Capacity used",
                    "short",
                    [
                        Query(
                            _rate("cloudmart_dynamodb_consumed_capacity_total", "table, operation"),
                            "{{table}}: {{operation}}",
                        )
                    ],
                ),
                Panel(
                    "Calls made again",
                    "reqps",
                    [
                        Query(
                            _rate("cloudmart_dynamodb_retries_total", "table, operation"),
                            "{{table}}: {{operation}}",
                        )
                    ],
                ),
                Panel(
                    "Reads of the products into memory",
                    "reqps",
                    [Query(_rate("cloudmart_catalogue_reads_total", "outcome"), "{{outcome}}")],
                ),
            ],
        ),
    ],
)

PIPELINE = Dashboard(
    "cloudmart-pipeline",
    "CloudMart: the order pipeline",
    "How orders get from DynamoDB to BigQuery.",
    [
        Row(
            "Now",
            [
                _number(
                    "Stream and mapping that run",
                    "short",
                    f"sum(max by (part) (cloudmart_pipeline_runs{{{_IN}}}))",
                ),
                _number(
                    "Given up",
                    "short",
                    f"sum(max by (where) (cloudmart_pipeline_failures{{{_IN}}}))",
                ),
                _number(
                    "Unknown parts of the status",
                    "short",
                    f"max(cloudmart_pipeline_unknown{{{_IN}}})",
                ),
                _number(
                    "Age of these figures",
                    "s",
                    f"time() - max({_LOOKED_AT}{{{_IN}}})",
                    "They are renewed by each heartbeat and by /api/pipeline/status.",
                ),
            ],
        ),
        Row(
            "Orders",
            [
                Panel(
                    "How long the oldest order waits",
                    "s",
                    [Query(f"max(cloudmart_pipeline_lag_seconds{{{_IN}}})", "lag")],
                ),
                Panel(
                    "Orders of today on each side",
                    "short",
                    [Query(_gauge("cloudmart_pipeline_orders_today", "store"), "{{store}}")],
                ),
                Panel(
                    "Records that were given up",
                    "short",
                    [Query(_gauge("cloudmart_pipeline_failures", "where"), "{{where}}")],
                ),
                Panel(
                    "Time of a heartbeat",
                    "s",
                    [Query(f"max(cloudmart_pipeline_heartbeat_seconds{{{_IN}}})", "heartbeat")],
                ),
            ],
        ),
    ],
)


def _objectives() -> Sequence[Row]:
    for_all = [
        Panel(
            "Share that failed, of what is allowed: last hour",
            "percentunit",
            [Query(f"{RATIO}_1h{{{_IN}}} / on (slo) group_left {BUDGET}", "{{slo}}")],
            "Above 100% the month's allowance does not last a month; at 1440% somebody is woken.",
            width=24,
        ),
        Panel(
            "Share of the month's allowance used within three days",
            "percentunit",
            [Query(f"0.1 * {RATIO}_3d{{{_IN}}} / on (slo) group_left {BUDGET}", "{{slo}}")],
            width=24,
        ),
        Panel(
            "Alerts that fire",
            "short",
            [
                Query(
                    f"sum by (alertname, severity) ({_FIRING}) or vector(0)",
                    "{{alertname}}",
                )
            ],
            width=24,
        ),
    ]
    each = [
        Panel(
            f"{objective.name}: {objective.share * 100:g}%",
            "percentunit",
            [
                *(
                    Query(f'{RATIO}_{window}{{{_IN}, slo="{objective.name}"}}', window)
                    for window in WINDOWS
                    if window in {"5m", "1h", "1d"}
                ),
                Query(f'{BUDGET}{{slo="{objective.name}"}}', "allowed"),
            ],
            f"{objective.words}: the share of {objective.measure.unit}.",
            width=8,
        )
        for objective in objectives()
    ]
    return [Row("All promises", for_all), Row("Each promise", each)]


PROMISES = Dashboard(
    "cloudmart-promises",
    "CloudMart: promises",
    "What customers are promised over 30 days, and how much of what may fail has failed.",
    _objectives(),
)

PAGES = (SHOP, ASSISTANTS, AWS, PIPELINE, PROMISES)
