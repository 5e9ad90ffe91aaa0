"""Findings of what customers, models and stored data do to the pods."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cloudmart.findings.finding import CheckStatus
from cloudmart.rollout.release import name_of
from tests.doctor.healthy import NOW, HealthyShop, told
from tests.support.fault_proxy import Fault
from tests.support.shop_tables import put

PASS, WARN, FAIL, SKIP = CheckStatus.PASS, CheckStatus.WARN, CheckStatus.FAIL, CheckStatus.SKIP
UNKNOWN = CheckStatus.UNKNOWN
CLIENTS = ("clients-within-limits", "answers-read")


def metrics(requests: int = 1000, **figures: float) -> str:
    """Return what a pod shows that has answered some requests; `_` parts a name from its label."""
    lines = [
        "# TYPE cloudmart_http_request_duration_seconds histogram",
        *(
            "cloudmart_http_request_duration_seconds_count"
            f'{{method="GET",route="/api/products",status="{status}"}} {requests / 2}'
            for status in (200, 404)
        ),
        "cloudmart_answers_cut_off_total 0",
        'cloudmart_rate_limited_total{kind="read"} 0',
        *(f"cloudmart_{name} {value}" for name, value in figures.items()),
    ]
    return "\n".join([*lines, ""])


def unreadable(number: int, kind: str = "Product") -> str:
    """Return what a pod shows that could not read some items."""
    return f'{metrics()}cloudmart_unreadable_items_lately{{kind="{kind}"}} {number}\n'


def one_after_the_other(*texts: str) -> Callable[[], str]:
    """Return what shows each text once, and the last one from then on."""
    left = list(texts)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def line(**fields: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a line of a pod's log about an item."""
    event = {"event": "item_unreadable", "level": "warning", "kind": "Product"}
    return json.dumps(event | fields)


async def test_an_item_that_cannot_be_read_is_named_with_its_table_and_attributes(
    shop: HealthyShop,
) -> None:
    shop.shows(unreadable(2))
    shop.cluster.scenario.logs["*"] = "\n".join(
        [
            line(product_id="old-7", attributes=["price"]),
            "no JSON",
            line(kind="Order", order_id="k7m2p9q4r6t8v3w5", attributes=["items"]),
            line(product_id="vase-1", attributes=["createdAt", "price"]),
            line(product_id="old-7", attributes=["price"]),
        ]
    )

    found = await shop.look("items-readable")

    assert told(found, "items-readable", WARN) == (
        f"{name_of(shop.pod)} cannot read 2 of the stored items whole (Product): "
        "old-7 (price); vase-1 (createdAt, price)"
    )
    fix = found["items-readable"].fix
    assert f"in the table {shop.aws.names.products_table}." in fix
    assert f"logs pod/{name_of(shop.pod)}" in fix

    shop.shows(unreadable(0))
    assert (await shop.look("items-readable"))["items-readable"].status is PASS


async def test_an_item_that_the_last_lines_of_the_log_lack_is_reported_without_its_name(
    shop: HealthyShop,
) -> None:
    shop.shows(unreadable(1, "Conversation"))

    found = await shop.look("items-readable")

    assert told(found, "items-readable", WARN).endswith("items whole (Conversation)")
    assert shop.aws.names.conversations_table in found["items-readable"].fix


@pytest.mark.parametrize(
    ("shown", "observed"),
    [
        (
            [metrics(400, **{'rate_limited_total{kind="email"}': 300})],
            "refused 300 of 400 answers since its start because of rate limits (email)",
        ),
        (
            [
                metrics(1_000_000),
                metrics(1_000_100, **{'rate_limited_total{kind="chat"}': 60}),
            ],
            "refused 60 of 100 answers within 0 s because of rate limits (chat)",
        ),
    ],
    ids=["since the start", "now"],
)
async def test_clients_that_are_refused_again_and_again_are_reported(
    shop: HealthyShop, shown: list[str], observed: str
) -> None:
    shop.shows(one_after_the_other(*shown))

    found = await shop.look(*CLIENTS)

    assert told(found, "clients-within-limits", WARN) == f"{name_of(shop.pod)} {observed}"
    assert found["answers-read"].status is PASS


@pytest.mark.parametrize(
    ("shown", "observed"),
    [
        ([metrics(400, answers_cut_off_total=20)], "cut off 20 of 400 answers since its start"),
        (
            [metrics(10**6), metrics(10**6 + 10, answers_cut_off_total=3)],
            "cut off 3 of 10 answers within 0 s",
        ),
        ([metrics(0, answers_cut_off_total=9)], "cut off 9 of 9 answers since its start"),
    ],
    ids=["since the start", "now", "before they were counted as requests"],
)
async def test_answers_that_nobody_reads_are_reported(
    shop: HealthyShop, shown: list[str], observed: str
) -> None:
    shop.shows(one_after_the_other(*shown))

    found = await shop.look(*CLIENTS)

    assert told(found, "answers-read", WARN) == f"{name_of(shop.pod)} {observed} that nobody read"
    assert found["clients-within-limits"].status is PASS


async def test_occasional_faults_of_clients_are_not_a_finding(shop: HealthyShop) -> None:
    few = {'rate_limited_total{kind="read"}': 9, "answers_cut_off_total": 1}
    shop.shows(one_after_the_other(metrics(1000), metrics(1010, **few)))

    found = await shop.look(*CLIENTS)

    assert {each.status for key, each in found.items() if key in CLIENTS} == {PASS}


async def test_invalid_metrics_are_unknown(shop: HealthyShop) -> None:
    shop.shows('cloudmart_ready{ 1 "')

    found = await shop.look(*CLIENTS)

    assert told(found, "answers-read", UNKNOWN).endswith("shows metrics that cannot be read")


def chats(turns: int, used: int) -> str:
    """Return what a pod shows whose assistants answered some messages."""
    labels = 'provider="openai",model="gpt-6-luna"'
    return metrics(
        **{
            'chat_turns_total{provider="openai",outcome="answered"}': turns,
            f'ai_tokens_total{{{labels},kind="input"}}': used - used // 4,
            f'ai_tokens_total{{{labels},kind="cached"}}': used // 2,
            f'ai_tokens_total{{{labels},kind="output"}}': used // 4,
            f'ai_tokens_total{{{labels},kind="reasoning"}}': used // 8,
        }
    )


@pytest.mark.parametrize(
    ("shown", "when"),
    [
        ([chats(10, 800_000)], "since its start"),
        ([chats(10**4, 10**6), chats(10**4 + 1, 10**6 + 80_000)], "within 0 s"),
    ],
    ids=["since the start", "now"],
)
async def test_messages_that_use_many_tokens_are_reported_with_the_model(
    shop: HealthyShop, shown: list[str], when: str
) -> None:
    shop.shows(one_after_the_other(*shown))

    found = await shop.look("messages-affordable")

    assert told(found, "messages-affordable", WARN) == (
        f"{name_of(shop.pod)} used 80,000 tokens for a message on average {when} (gpt-6-luna); "
        "a whole chat may use 200,000"
    )


async def test_usual_messages_are_affordable(shop: HealthyShop) -> None:
    shop.shows(chats(10, 60_000))

    assert (await shop.look("messages-affordable"))["messages-affordable"].status is PASS


def used(shop: HealthyShop, tokens: object, days_ago: int = 0) -> None:
    """Have the assistants have used some tokens on a day."""
    day = f"tokens-{NOW - timedelta(days=days_ago):%Y-%m-%d}"
    put(
        shop.aws.client("dynamodb"),
        shop.aws.names.conversations_table,
        {"id": day, "tokens": tokens},
    )


@pytest.mark.parametrize(
    ("tokens", "status"), [(3_999_999, PASS), (4_000_000, WARN), (5_000_000, FAIL)]
)
async def test_the_tokens_of_the_day_are_reported(
    shop: HealthyShop, tokens: int, status: CheckStatus
) -> None:
    used(shop, tokens)

    found = await shop.look_until_known("tokens-left")

    observed = f"{tokens:,} of today's 5,000,000 tokens are used"
    assert told(found, "tokens-left", status) == observed


async def test_yesterdays_tokens_and_an_invalid_count_are_not_tokens_of_today(
    shop: HealthyShop,
) -> None:
    used(shop, 9_000_000, days_ago=1)
    used(shop, "many")

    found = await shop.look_until_known("tokens-left")

    assert told(found, "tokens-left", PASS) == "0 of today's 5,000,000 tokens are used"


async def test_without_a_limit_tokens_are_not_read(shop: HealthyShop) -> None:
    shop.environ |= {"AI_DAILY_TOKENS": "0", "AI_CONVERSATION_TOKENS": "0"}

    found = await shop.look_until_known("tokens-left", "messages-affordable")

    assert told(found, "tokens-left", SKIP) == "AI_DAILY_TOKENS is 0: the day has no limit"
    assert told(found, "messages-affordable", SKIP).startswith("AI_CONVERSATION_TOKENS is 0")


async def test_where_the_count_may_not_be_read_it_is_unknown(shop: HealthyShop) -> None:
    shop.aws.proxy.fail(Fault.DENIED, "GetItem")

    found = await shop.look("tokens-left")

    assert "dynamodb:GetItem" in told(found, "tokens-left", UNKNOWN)


async def test_where_the_count_is_not_answered_it_is_unknown(shop: HealthyShop) -> None:
    shop.aws.proxy.fail(Fault.THROTTLED, "GetItem")

    found = await shop.look("tokens-left")

    assert "ProvisionedThroughputExceeded" in told(found, "tokens-left", UNKNOWN)
