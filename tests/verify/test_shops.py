"""Whole shops, verified as anybody, as an administrator, and with `AUTH=off`."""

from collections.abc import Iterator
from typing import Any

import pytest

from cloudmart.dynamodb.codec import decode_item
from cloudmart.findings.finding import CheckStatus
from cloudmart.settings import CatalogueSettings, Settings
from cloudmart.verify.context import VerifyChoices
from cloudmart.verify.credentials import AdminCredentials
from cloudmart.verify.shop_client import ShopAnswer, ShopClient
from cloudmart.verify.step import StepFinding
from tests.access.conftest import ADMIN, BASIC
from tests.support.breaking_proxy import Break, breaking_proxy
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.live_server import served
from tests.verify.conftest import failed, tried


@pytest.fixture(scope="module")
def guarded_url(shared_settings: Settings) -> Iterator[str]:
    """Provide the address of a shop whose administrators sign in."""
    with served(shared_settings.model_copy(update={"access": BASIC})) as url:
        yield url


def kept(dynamodb: Any, settings: Settings) -> dict[str, list[dict[str, Any]]]:  # noqa: ANN401
    """Return all items in the shop's tables, except conversations."""
    names = settings.dynamodb
    return {
        table: sorted(
            map(decode_item, dynamodb.scan(TableName=table)["Items"]), key=lambda item: item["id"]
        )
        for table in (names.products_table, names.orders_table, names.tickets_table)
    }


def statuses(findings: dict[str, StepFinding], *keys: str) -> list[str]:
    """Return the statuses of some findings."""
    return [str(findings[key].status) for key in keys]


def test_with_auth_off_everything_is_tried_and_nothing_is_left(
    shop_url: str,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    before = kept(dynamodb, shared_settings)

    findings = tried(ShopClient(shop_url, 30))

    assert failed(findings) == {}
    assert findings["order-removed"].status is CheckStatus.PASS
    assert findings["nothing-left-behind"].status is CheckStatus.PASS
    assert kept(dynamodb, shared_settings) == before


class _Alternating(ShopClient):
    """A client whose requests go to two pods in turn."""

    def __init__(self, url: str, other: str) -> None:
        super().__init__(url, 30)
        self._other = ShopClient(other, 30)
        self._asked = 0

    def ask(self, method: str, path: str, **options: Any) -> ShopAnswer:  # noqa: ANN401
        self._asked += 1
        if self._asked % 2:
            return super().ask(method, path, **options)
        return self._other.ask(method, path, **options)

    def close(self) -> None:
        super().close()
        self._other.close()


def test_products_from_a_pods_memory_are_not_a_fault(
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    before = kept(dynamodb, shared_settings)
    remembering = shared_settings.model_copy(update={"catalogue": CatalogueSettings(ttl=1)})

    with served(remembering) as url, served(remembering) as other:
        findings = tried(_Alternating(url, other))

    assert failed(findings) == {}
    assert kept(dynamodb, shared_settings) == before


def test_as_anybody_nothing_is_made_and_administrators_work_is_skipped(
    guarded_url: str,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    before = kept(dynamodb, shared_settings)

    findings = tried(ShopClient(guarded_url, 30))

    assert failed(findings) == {}
    assert statuses(findings, "strangers-refused", "test-order-refused", "operations-touched") == [
        "pass",
        "pass",
        "pass",
    ]
    assert findings["order-placed"].status is CheckStatus.SKIP
    assert findings["order-placed"].observed == "it is for administrators: --admin tries it"
    assert kept(dynamodb, shared_settings) == before


def test_as_an_administrator_all_is_tried_and_nothing_is_left(
    guarded_url: str,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    before = kept(dynamodb, shared_settings)
    shop = ShopClient(guarded_url, 30, AdminCredentials(*ADMIN))

    findings = tried(shop, VerifyChoices(admin=True))

    assert failed(findings) == {}
    assert statuses(findings, "signed-in", "order-replayed", "order-removed") == ["pass"] * 3
    assert kept(dynamodb, shared_settings) == before


def test_credentials_that_are_refused_are_one_failure_and_what_anybody_may_do_is_tried(
    guarded_url: str,
) -> None:
    shop = ShopClient(guarded_url, 30, AdminCredentials("ann", "not it at all"))

    findings = tried(shop, VerifyChoices(admin=True))

    assert set(failed(findings)) == {"signed-in"}
    assert "refuses these credentials" in findings["signed-in"].observed
    assert findings["order-placed"].observed == "signed-in failed"
    assert findings["strangers-refused"].status is CheckStatus.PASS


def test_what_is_kept_is_listed(
    shop_url: str,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    before = kept(dynamodb, shared_settings)

    findings = tried(ShopClient(shop_url, 30), VerifyChoices(keep=True))

    left = findings["nothing-left-behind"]
    after = kept(dynamodb, shared_settings)
    new = [each["id"] for table in after for each in after[table] if each not in before[table]]
    assert left.status is CheckStatus.WARN
    assert len(new) == 3
    assert all(key in left.observed and key in left.fix for key in new)


def test_a_guests_order_is_real_and_its_id_is_printed(
    guarded_url: str,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    findings = tried(ShopClient(guarded_url, 30), VerifyChoices(anonymous_order=True))

    key = findings["anonymous-order-placed"].observed.removeprefix("order ")
    orders = kept(dynamodb, shared_settings)[shared_settings.dynamodb.orders_table]
    assert key in [each["id"] for each in orders]
    assert findings["nothing-left-behind"].status is CheckStatus.WARN
    assert f"order {key} (only an administrator removes it)" in (
        findings["nothing-left-behind"].observed
    )


def test_the_assistants_have_a_turn_each_and_their_ticket_goes(
    shop_url: str,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    before = kept(dynamodb, shared_settings)

    findings = tried(ShopClient(shop_url, 30), VerifyChoices(assistants=True))

    assert failed(findings) == {}
    assert statuses(findings, "openai-answers", "bedrock-answers") == ["pass", "pass"]
    assert "kept as ticket" in findings["sentiment-told"].observed
    assert kept(dynamodb, shared_settings) == before


def test_assistants_that_have_answered_enough_this_minute_are_skipped(
    shared_settings: Settings,
) -> None:
    limits = shared_settings.limits.model_copy(update={"chat": 1})
    limited = shared_settings.model_copy(update={"limits": limits})

    with served(limited) as url:
        findings = tried(ShopClient(url, 30), VerifyChoices(assistants=True))

    assert failed(findings) == {}
    assert findings["openai-answers"].status is CheckStatus.SKIP
    assert "answered 429: " in findings["openai-answers"].observed
    assert "{" not in findings["openai-answers"].observed


def test_another_roll_out_than_the_expected_one_is_a_failure(shop_url: str) -> None:
    findings = tried(ShopClient(shop_url, 30), VerifyChoices(expect="2026-11-28-abc"))

    assert set(failed(findings)) == {"rollout-expected"}
    assert (
        "by roll-out without a name, not by 2026-11-28-abc" in findings["rollout-expected"].observed
    )


def test_a_store_that_is_away_is_the_store(settings: Settings, faults: FaultProxy) -> None:
    with served(settings) as url:
        faults.fail(Fault.BROKEN)
        findings = tried(ShopClient(url, 30))

    layers = {each.layer for each in failed(findings).values()}
    assert layers == {"store"}
    assert findings["products-listed"].layer == "store"
    assert "cloudmart doctor --only dynamodb" in findings["products-listed"].fix


@pytest.mark.parametrize("path", ["/api/products", "/api/orders", "/api/tickets"])
def test_what_was_made_by_a_request_without_an_answer_is_found_and_removed(
    path: str,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
    shop_url: str,
) -> None:
    before = kept(dynamodb, shared_settings)

    with breaking_proxy(shop_url) as proxy:
        proxy.break_operation("POST", path, Break.CUT)
        findings = tried(ShopClient(proxy.url, 30))

    assert failed(findings)
    if path != "/api/orders":
        # Here the item is found by another operation, which works.
        assert kept(dynamodb, shared_settings) == before
        assert findings["nothing-left-behind"].status is CheckStatus.PASS
    else:
        assert "not removed: order of unknown id" in findings["nothing-left-behind"].observed


def test_what_cannot_be_removed_is_reported_with_how_to_remove_it(
    shop_url: str,
) -> None:
    with breaking_proxy(shop_url) as proxy:
        proxy.break_operation("DELETE", "/api/orders/{order_id}", Break.CRASH)
        findings = tried(ShopClient(proxy.url, 30))

    left = findings["nothing-left-behind"]
    key = findings["order-placed"].observed.split()[1]
    assert left.status is CheckStatus.FAIL
    assert left.observed == f"not removed: order {key}"
    assert (
        left.fix
        == f"Remove the listed items yourself, as an administrator: DELETE /api/orders/{key}"
    )
