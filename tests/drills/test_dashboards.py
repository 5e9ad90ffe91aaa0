"""The dashboards: they are current, and each of their queries has an answer."""

import json
import re
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from k8s.dashboards.pages import PAGES
from k8s.dashboards.write import written
from tests.drills.shop import EMAIL, WORDS, DrilledShop, drilled_shop
from tests.support.alert_rules import MONITORING, write_rules
from tests.support.fault_proxy import Fault, Refusal
from tests.support.prometheus import prometheus
from tests.support.responses_api import answer, asking, error
from tests.support.scripted_server import Reply, Request
from tests.support.shop_tables import put

DIRECTORY = MONITORING / "dashboards"
PATIENCE = 150.0


def test_the_dashboards_are_current() -> None:
    files = {each.name: each.read_text("utf-8") for each in DIRECTORY.glob("*.json")}

    assert files == written(), "run `make dashboards`"


def test_the_kustomization_has_every_dashboard() -> None:
    named = re.findall(
        r"^ +- (\S+\.json)$", (DIRECTORY / "kustomization.yaml").read_text(), re.MULTILINE
    )

    assert sorted(named) == sorted(written())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.uid))
def test_a_dashboard_has_what_grafana_asks_for(page: Any) -> None:  # noqa: ANN401
    document = page.document()
    panels = document["panels"]
    places = [tuple(panel["gridPos"].values()) for panel in panels]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
    for panel in panels:
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}"
            assert "slo" in target["expr"] or 'namespace="$namespace"' in target["expr"]


@pytest.mark.drill
@pytest.mark.filterwarnings("default")
def test_every_query_of_every_panel_has_an_answer(tmp_path: Path) -> None:
    questions = dict(_questions())
    with (
        drilled_shop(tmp_path, _before) as shop,
        prometheus(shop.url, write_rules(tmp_path), tmp_path) as url,
    ):
        deadline = time.monotonic() + PATIENCE
        while questions and time.monotonic() < deadline:
            _trouble(shop)
            time.sleep(2)
            for name, expr in list(questions.items()):
                if _answered(url, expr):
                    del questions[name]

    assert sorted(questions) == []


def _questions() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for panel in page.document()["panels"]:
            for target in panel.get("targets", []):
                expr = target["expr"].replace("$namespace", "default")
                expr = expr.replace("$__rate_interval", "10s").replace("$__range", "60s")
                yield f"{page.uid}: {panel['title']}: {target['refId']}", expr


def _answered(url: str, expr: str) -> bool:
    try:
        told = httpx2.get(f"{url}/api/v1/query", params={"query": expr}, timeout=10).json()
    except httpx2.TransportError:
        return False
    assert told["status"] == "success", f"{expr}: {told}"
    return any(each["value"][1] != "NaN" for each in told["data"]["result"])


def _before(shop: DrilledShop) -> None:
    """Let the service wait at its start, and let its provider fail and recover."""
    shop.sts.fail(Refusal(400, "Throttling", "Rate exceeded"), "AssumeRoleWithWebIdentity", times=6)
    shop.environ = {"RATE_LIMIT_EMAIL": "5"}
    steps = count()

    def answer_chat(_: Request) -> Reply:
        moment = next(steps) % 4
        if moment == 0:
            return asking(("call_1", "search_products", json.dumps({"query": "lamp"})))
        return error(401, "invalid_api_key") if moment == 3 else answer("We have a lamp.")

    shop.openai = answer_chat


def _trouble(shop: DrilledShop) -> None:
    """Cause the faults that the dashboards count."""
    aws = shop.world.aws
    old = {
        "id": "old",
        "userEmail": EMAIL,
        "items": [{"name": "Lamp"}],
        "createdAt": 7,
        "total": "x",
    }
    put(aws.client("dynamodb"), aws.names.orders_table, old)
    shop.dynamodb.fail(Fault.THROTTLED, "GetItem", times=3)
    said = [{"sender": "user", "text": WORDS}]
    with httpx2.Client(base_url=shop.url, timeout=30) as client:
        # The service pays for the sentiment of its own chats only.
        begun = client.post("/api/ai/start").json()
        thread = {"id": begun.get("threadId"), "name": "Lamps", "messages": said}
        client.get("/api/orders/old")
        # More than RATE_LIMIT_EMAIL, from one address.
        for _ in range(8):
            client.get("/api/orders/user", params={"email": EMAIL})
        client.post("/api/products", json={"name": "Vase", "price": 12, "image": "/vase.png"})
        client.post("/api/orders", json={"items": [{"productId": "none", "quantity": 1}]})
        client.post("/api/ai/analyze-sentiment", json={"thread": thread})
