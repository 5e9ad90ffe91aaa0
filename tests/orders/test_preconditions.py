"""A client changes only an order or a ticket that it has seen: `ETag`, `If-Match`, history."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.app import create_app
from cloudmart.orders.models import Order, OrderStatus
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.settings import Settings
from tests.access.conftest import ADMIN, BASIC
from tests.support.ready_app import serving, still
from tests.support.shop_tables import get, put

pytestmark = pytest.mark.usefixtures("stocked")

LAMP = {"productId": "1", "quantity": 1, "userEmail": "ann@example.org"}
PLACES = {"/api/orders": ("Canceled", "Shipped"), "/api/tickets": ("in_progress", "closed")}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, client: TestClient) -> str:
    """Provide the address of an order, and then of a ticket."""
    body = LAMP if request.param == "/api/orders" else {"subject": "Lamp"}
    return str(client.post(request.param, json=body).headers["Location"])


def statuses(place: str) -> tuple[str, str]:
    """Return two statuses that the item at an address may get."""
    return next(both for prefix, both in PLACES.items() if place.startswith(prefix))


def test_every_answer_with_one_of_them_has_a_strong_tag_of_its_state(
    place: str, client: TestClient
) -> None:
    first, second = statuses(place)
    body = LAMP if place.startswith("/api/orders") else {"subject": "Lamp"}

    placed = client.post(place.rpartition("/")[0], json=body)
    read = client.get(placed.headers["Location"])
    changed = client.put(placed.headers["Location"], json={"status": first})
    again = client.put(placed.headers["Location"], json={"status": second})
    back = client.put(placed.headers["Location"], json={"status": first})

    tags = [answer.headers["ETag"] for answer in (placed, changed, again, back)]
    assert read.headers["ETag"] == tags[0]
    assert client.get(placed.headers["Location"]).headers["ETag"] == tags[-1]
    assert len(set(tags)) == 4
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


def test_a_change_of_what_has_changed_since_is_refused_and_changes_nothing(
    place: str, client: TestClient
) -> None:
    first, second = statuses(place)
    seen = client.get(place).headers["ETag"]
    client.put(place, json={"status": first})
    before = client.get(place)

    refused = client.put(place, json={"status": second}, headers={"If-Match": seen})

    assert refused.status_code == 412
    assert refused.json()["type"] == "/api/problems/precondition-failed"
    assert refused.json()["details"] == {"etag": before.headers["ETag"]}
    after = client.get(place)
    assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])
    fresh = client.put(place, json={"status": second}, headers={"If-Match": after.headers["ETag"]})
    assert (fresh.status_code, fresh.json()["status"]) == (200, second)


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("{tag}", 200),
        ("*", 200),
        (" * ", 200),
        ('"other", {tag}', 200),
        ('"with,comma",{tag},"other"', 200),
        ('"other"', 412),
        ("W/{tag}", 412),
        ("{bare}", 412),
        ("", 412),
        ("nonsense", 412),
        ("*, *", 412),
    ],
)
def test_a_condition_is_one_tag_several_or_any(
    condition: str, code: int, place: str, client: TestClient
) -> None:
    tag = client.get(place).headers["ETag"]
    headers = {"If-Match": condition.format(tag=tag, bare=tag.strip('"'))}

    answer = client.put(place, json={"status": statuses(place)[0]}, headers=headers)

    assert answer.status_code == code


def test_conditions_of_several_lines_are_one_list(place: str, client: TestClient) -> None:
    tag = client.get(place).headers["ETag"]
    lines = [("If-Match", tag), ("If-Match", '"other"')]

    assert client.put(place, json={"status": statuses(place)[0]}, headers=lines).status_code == 200


def test_what_does_not_exist_is_not_found_whatever_the_condition(client: TestClient) -> None:
    for path in ("/api/orders/nope", "/api/tickets/nope"):
        for condition in ("*", '"1"'):
            answer = client.put(path, json={"status": "closed"}, headers={"If-Match": condition})

            assert answer.status_code in {404, 422}
            assert client.get(path).status_code == 404


def test_a_thing_is_deleted_only_as_it_was_seen(place: str, client: TestClient) -> None:
    seen = client.get(place).headers["ETag"]
    now = client.put(place, json={"status": statuses(place)[1]}).headers["ETag"]

    refused = client.delete(place, headers={"If-Match": seen})
    kept = client.get(place).status_code
    deleted = client.delete(place, headers={"If-Match": now})

    assert [refused.status_code, kept, deleted.status_code] == [412, 200, 200]
    assert client.delete(place, headers={"If-Match": now}).status_code == 404


def test_a_change_that_an_older_release_made_without_counting_is_another_state(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    table = settings.dynamodb.orders_table
    old = {"id": "ab12cd34", "status": "pending", "updatedAt": "2026-01-01T00:00:00.000Z"}
    put(dynamodb, table, old)
    seen = client.get("/api/orders/ab12cd34").headers["ETag"]
    put(dynamodb, table, old | {"status": "Canceled"})

    refused = client.put(
        "/api/orders/ab12cd34", json={"status": "Shipped"}, headers={"If-Match": seen}
    )

    assert refused.status_code == 412
    assert get(dynamodb, table, "ab12cd34") == old | {"status": "Canceled"}


def test_each_real_change_is_kept_with_its_time_and_the_newest_fifty_stay(
    client: TestClient,
) -> None:
    place = client.post("/api/orders", json=LAMP).headers["Location"]
    asked = ["Processing", "Processing", *(["Shipped", "Delivered"] * 27)]

    last = [client.put(place, json={"status": status}).json() for status in asked][-1]

    history = last["statusHistory"]
    assert len(history) == 50
    assert [change["to"] for change in history] == ["Shipped", "Delivered"] * 25
    assert [change["from"] for change in history[1:]] == [change["to"] for change in history[:-1]]
    assert history[-1]["at"] == last["updatedAt"]
    assert [change["at"] for change in history] == sorted(change["at"] for change in history)


def test_of_two_pages_that_saw_the_same_one_changes_it(place: str, client: TestClient) -> None:
    headers = {"If-Match": client.get(place).headers["ETag"]}

    codes = [
        client.put(place, json={"status": status}, headers=headers).status_code
        for status in statuses(place)
    ]

    assert codes == [200, 412]


@pytest.fixture
def guarded(stocked: Settings) -> Iterator[TestClient]:
    """Provide a client of a shop whose staff have passwords."""
    settings = stocked.model_copy(update={"access": BASIC})
    with serving(create_app(settings, process=still(settings))) as client:
        yield client


def test_the_staffs_and_the_customers_view_have_different_tags(guarded: TestClient) -> None:
    placed = guarded.post("/api/orders", json=LAMP)
    place = placed.headers["Location"]
    before = guarded.get(place, auth=ADMIN), guarded.get(place)
    guarded.put(place, json={"status": "Processing"}, auth=ADMIN)
    staff, customer = guarded.get(place, auth=ADMIN), guarded.get(place)

    # One representation, one tag.
    assert {answer.headers["ETag"] for answer in before} == {placed.headers["ETag"]}
    assert before[0].content == before[1].content
    assert staff.content != customer.content
    assert staff.headers["ETag"] != customer.headers["ETag"]


@pytest.mark.parametrize("seen_by", [ADMIN, None], ids=["staff", "customer"])
def test_either_tag_of_a_state_is_good_for_a_change(
    seen_by: tuple[str, str] | None, guarded: TestClient
) -> None:
    place = guarded.post("/api/orders", json=LAMP).headers["Location"]
    guarded.put(place, json={"status": "Processing"}, auth=ADMIN)
    seen = {"If-Match": guarded.get(place, auth=seen_by).headers["ETag"]}

    first = guarded.put(place, json={"status": "Shipped"}, auth=ADMIN, headers=seen)
    again = guarded.put(place, json={"status": "Delivered"}, auth=ADMIN, headers=seen)
    gone = guarded.delete(
        place, auth=ADMIN, headers={"If-Match": guarded.get(place).headers["ETag"]}
    )

    assert (first.status_code, again.status_code, gone.status_code) == (200, 412, 200)


def test_only_staff_sees_who_changed_an_order(guarded: TestClient) -> None:
    place = guarded.post("/api/orders", json=LAMP).headers["Location"]
    changed = guarded.put(place, json={"status": "Shipped"}, auth=ADMIN).json()
    by_email = {"email": "ann@example.org"}

    told = {
        "to staff": guarded.get(place, auth=ADMIN).json(),
        "in the staff's list": guarded.get("/api/orders", auth=ADMIN).json()[0],
        "to anyone": guarded.get(place).json(),
        "to a wrong password": guarded.get(place, auth=("ann", "wrong")).json(),
        "to another scheme": guarded.get(place, headers={"Authorization": "Bearer x.y.z"}).json(),
        "to its customer": guarded.get("/api/orders/user", params=by_email).json()[0],
        "to staff as the customer": guarded.get(
            "/api/orders/user", params=by_email, auth=ADMIN
        ).json()[0],
    }

    change = {"from": "Pending", "to": "Shipped", "at": changed["updatedAt"]}
    assert changed["statusHistory"] == [change | {"by": "ann"}]
    names = {to: [one["by"] for one in order["statusHistory"]] for to, order in told.items()}
    assert names == {
        to: ["ann"] if to in {"to staff", "in the staff's list"} else [None] for to in told
    }


def test_a_repeated_key_does_not_show_who_changed_its_order(guarded: TestClient) -> None:
    headers = {"Idempotency-Key": "k"}
    first = guarded.post("/api/orders", json=LAMP, headers=headers)
    guarded.put(first.headers["Location"], json={"status": "Shipped"}, auth=ADMIN)

    again = guarded.post("/api/orders", json=LAMP, headers=headers)

    assert [change["by"] for change in again.json()["statusHistory"]] == [None]


@pytest.mark.parametrize("junk", [{"statusHistory": {"a"}, "version": "two"}, {"version": True}])
def test_the_warehouse_gets_the_same_row_whatever_is_kept_of_changes(junk: dict[str, Any]) -> None:
    order = Order.place([], "ann@example.org")
    changed = order.with_status(OrderStatus.SHIPPED, "ann")
    item = changed.item()
    bare = {name: item[name] for name in item if name not in {"statusHistory", "version"}}

    rows = [Row.of_item(each, OrderEvent.MODIFY) for each in (item, bare, bare | junk)]

    assert rows[0] == rows[1] == rows[2]


def test_pages_of_allowed_origins_may_send_the_condition_and_read_the_tag(
    stocked: Settings,
) -> None:
    cors = stocked.cors.model_copy(update={"allowed_origins": ("https://shop.example",)})
    settings = stocked.model_copy(update={"cors": cors})
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,if-match",
    }

    with serving(create_app(settings, process=still(settings))) as client:
        preflight = client.options("/api/orders/x", headers=asked)
        answer = client.get("/api/products", headers={"Origin": "https://shop.example"})

    assert preflight.status_code == 200
    assert "if-match" in preflight.headers["Access-Control-Allow-Headers"].lower()
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
