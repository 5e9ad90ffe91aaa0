"""The whole table of rights: every route, in every mode, for every kind of caller."""

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from cloudmart.access.guarded_route import GuardedRoute, check_rights, guarded_entries
from cloudmart.access.rights import RIGHTS, Right
from cloudmart.app import create_app
from cloudmart.settings import Environment, Settings
from tests.access.conftest import ADMIN, ADMIN_USERS, OpenShop
from tests.support.problems import is_problem
from tests.support.token_issuer import Issuer

PRODUCT = {"name": "Teapot", "description": "Holds a litre.", "price": 24.95, "image": ""}
BODIES: dict[str, Any] = {
    "POST /api/products": PRODUCT,
    "PUT /api/products/{product_id}": PRODUCT,
    "POST /api/orders": {"productId": "1", "quantity": 1},
    "PUT /api/orders/{order_id}": {"status": "Shipped"},
    "POST /api/tickets": {"subject": "Lamp"},
    "PUT /api/tickets/{ticket_id}": {"status": "closed"},
    "POST /api/ai/message": {"threadId": "thread_x", "message": "Hi"},
    "POST /api/ai/bedrock/message": {"conversationId": "conv_x", "message": "Hi"},
    "POST /api/ai/analyze-sentiment": {"thread": {"messages": []}},
}
QUERIES = {
    "GET /api/orders/user": "email=ann@example.org",
    "GET /api/tickets/status": "status=open",
}

MODES: dict[str, dict[str, Any]] = {
    "off": {"auth": ("off",)},
    "unset": {"auth": ()},
    "basic": {"auth": ("basic",), "admin_users": ADMIN_USERS},
    "jwt": {"auth": ("jwt",)},
    "both": {"auth": ("basic", "jwt"), "admin_users": ADMIN_USERS},
    "jwt, orders open": {"auth": ("jwt",), "customer_orders": "open"},
}
"""The modes by name. In "jwt" and "both" customers must sign in to see their orders."""
NOBODY, WRONG, PASSWORD = "nobody", "a wrong password", "an administrator's password"
FORGED, OWNER, OTHER, UNPROVED = "a forged token", "the owner", "another", "an unproved address"
STAFF, JOB = "an administrator's token", "a program's token"

IN = "let in"
ASKED = 401
REFUSED = 403


def expected(mode: str, right: Right, caller: str) -> int | str:
    """Return the expected result for a caller."""
    passwords, tokens = mode in {"basic", "both"}, mode.startswith("jwt") or mode == "both"
    admin = (passwords and caller == PASSWORD) or (tokens and caller in {STAFF, JOB})
    known = admin or (tokens and caller in {OWNER, OTHER, UNPROVED})
    if not (passwords or tokens) or right in {Right.ANYONE, Right.READER, Right.TESTER}:
        return IN
    if right is Right.GUEST:
        return ASKED if tokens and caller == FORGED else IN
    if right is Right.CUSTOMER:
        if mode in {"basic", "jwt, orders open"} or admin or (tokens and caller == OWNER):
            return IN
        return REFUSED if known else ASKED
    return IN if admin else REFUSED if known else ASKED


@pytest.fixture(scope="module")
def callers(issuer: Issuer) -> dict[str, dict[str, Any]]:
    """Provide the headers of each kind of caller."""

    def bearer(**claims: Any) -> dict[str, Any]:  # noqa: ANN401
        return {"headers": {"Authorization": f"Bearer {issuer.token(**claims)}"}}

    return {
        NOBODY: {},
        WRONG: {"auth": ("ann", "not it at all")},
        PASSWORD: {"auth": ADMIN},
        FORGED: {"headers": {"Authorization": f"Bearer {issuer.token()[:-8]}AAAAAAAA"}},
        OWNER: bearer(),
        OTHER: bearer(email="bob@example.org"),
        UNPROVED: bearer(email_verified=False),
        STAFF: bearer(email=None, **{"cognito:groups": ["cloudmart-admins"]}),
        JOB: bearer(aud=None, client_id="3n4b5urk1ft4fl3mg5e62d9ado", scope="a cloudmart/admin"),
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("entry", RIGHTS)
def test_a_caller_gets_in_exactly_where_the_table_says(
    entry: str,
    mode: str,
    open_shop: OpenShop,
    issuer: Issuer,
    callers: dict[str, dict[str, Any]],
) -> None:
    client = open_shop(issuer.settings(admin_scope="cloudmart/admin", **MODES[mode]))

    answers = {caller: ask(client, entry, sent) for caller, sent in callers.items()}

    wanted = {caller: expected(mode, RIGHTS[entry], caller) for caller in callers}
    assert {caller: outcome(answer) for caller, answer in answers.items()} == wanted
    for answer in answers.values():
        if answer.status_code in {ASKED, REFUSED}:
            is_problem(answer, ASKED, REFUSED)
            assert ("www-authenticate" in answer.headers) or answer.status_code == REFUSED


def ask(client: TestClient, entry: str, sent: dict[str, Any]) -> Response:
    """Send the request of an entry as a caller."""
    method, path = entry.split()
    for name in ("product_id", "order_id", "ticket_id", "code"):
        path = path.replace(f"{{{name}}}", "nope")
    path += "/swagger-ui.css" if path.endswith("/assets") else ""
    return client.request(
        method, f"{path}?{QUERIES.get(entry, '')}", json=BODIES.get(entry), **sent
    )


def outcome(answer: Response) -> int | str:
    """Return the refusal, or that there was none."""
    assert answer.status_code < 500, answer.text
    return answer.status_code if answer.status_code in {ASKED, REFUSED} else IN


def test_every_route_has_its_right_and_every_right_its_route() -> None:
    app = create_app(Settings(environment=Environment.LOCAL))

    assert {entry for entry, _ in guarded_entries(app.routes)} == set(RIGHTS)


def test_what_changes_or_lists_the_shop_is_for_administrators_but_what_customers_do() -> None:
    customers = {
        "POST /api/orders",
        "POST /api/tickets",
        "POST /api/ai/start",
        "POST /api/ai/message",
        "POST /api/ai/bedrock/start",
        "POST /api/ai/bedrock/message",
        "POST /api/ai/analyze-sentiment",
    }
    reads = {"GET /api/orders", "GET /api/tickets", "GET /api/tickets/status"}
    reads |= {"GET /api/tickets/{ticket_id}"}

    admins = {entry for entry, right in RIGHTS.items() if right is Right.ADMIN}

    writes = {entry for entry in RIGHTS if not entry.startswith("GET ")}
    assert reads <= admins
    assert writes - customers <= admins
    assert not customers & admins


def added(router: APIRouter, prefix: str = "") -> FastAPI:
    """Return the application with one more router."""
    app = create_app(Settings(environment=Environment.LOCAL))
    app.include_router(router, prefix=prefix)
    return app


def test_a_new_route_without_a_right_is_refused() -> None:
    router = APIRouter(route_class=GuardedRoute)
    router.add_api_route("/api/secrets", lambda: "all of them")

    with pytest.raises(LookupError, match="who may call GET /api/secrets"):
        check_rights(added(router).routes)


def test_a_route_without_a_gate_is_refused_where_not_anyone_may_call_it() -> None:
    router = APIRouter()
    router.add_api_route("/api/orders", lambda: "all of them")

    with pytest.raises(LookupError, match="GET /api/orders is for administrators"):
        check_rights(added(router).routes)


def test_a_guarded_router_below_a_prefix_is_refused() -> None:
    router = APIRouter(route_class=GuardedRoute)
    router.add_api_route("/products", lambda: "all", methods=["POST"])

    with pytest.raises(LookupError, match="POST /api/products is for administrators"):
        check_rights(added(router, "/api").routes)


def test_a_websocket_needs_a_right_as_well() -> None:
    router = APIRouter()

    @router.websocket("/api/live")
    async def live() -> None: ...

    with pytest.raises(LookupError, match="who may call ANY /api/live"):
        check_rights(added(router).routes)
