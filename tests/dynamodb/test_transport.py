"""The transport without the SDK must send and read the same bytes as the SDK."""

import asyncio
import json
import socket
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.lookup import query_keys
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.orders.indexes import ORDERS_BY_EMAIL
from cloudmart.settings import Settings
from cloudmart.values.page import Pages
from tests.support.scripted_server import LoopbackServer, Reply, Request
from tests.support.shop_tables import CALL_WITHIN

LAMP = {"id": {"S": "1"}, "name": {"S": "Lamp"}, "price": {"N": "19.99"}}
ID = {"x-amzn-RequestId": "ABC"}


@asynccontextmanager
async def opened(*, direct: bool = True, region: str = "us-east-1") -> AsyncIterator[Database]:
    """Provide a client that is opened and closed as in the service."""
    database = Database(new_session(region), within=CALL_WITHIN, direct=direct)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def answer(document: object, **headers: str) -> Reply:
    """Return an answer of DynamoDB."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(200, ID | named, [json.dumps(document).encode()])


def refusal(code: str, status: int = 400, **headers: str) -> Reply:
    """Return a refusal of DynamoDB."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "No."}
    return Reply(status, ID | headers, [json.dumps(body).encode()])


async def test_both_transports_send_and_read_the_same(settings: Settings) -> None:
    told: list[list[object]] = []
    for direct in (True, False):
        async with opened(direct=direct) as database:
            table = Table(database, settings.dynamodb.products_table)
            told.append(await _everything(table))

    assert told[0] == told[1]


async def _everything(table: Table) -> list[object]:
    """Do each operation once, including refused ones, and return the results."""
    name = table.name
    call = table.database.call
    key = {"id": {"S": "1"}}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("put_item", {"Item": LAMP | {"tags": {"SS": ["a", "b"]}, "raw": {"B": "AAE="}}}),
        ("put_item", {"Item": LAMP, "ConditionExpression": "attribute_not_exists(id)"}),
        (
            "put_item",
            {
                "Item": LAMP,
                "ConditionExpression": "attribute_not_exists(id)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
        ),
        ("get_item", {"Key": key, "ConsistentRead": True}),
        ("get_item", {"Key": {"id": {"S": "2"}}}),
        ("get_item", {"Key": {"id": {"N": "2"}}}),
        (
            "update_item",
            {
                "Key": key,
                "UpdateExpression": "SET #n = :n",
                "ExpressionAttributeNames": {"#n": "name"},
                "ExpressionAttributeValues": {":n": {"S": "Läufer 🛋"}},
                "ReturnValues": "ALL_NEW",
            },
        ),
        ("scan", {"Limit": 5}),
        ("scan", {"FilterExpression": "nonsense ="}),
        ("delete_item", {"Key": key, "ConditionExpression": "attribute_not_exists(id)"}),
        ("delete_item", {"Key": key, "ReturnValues": "ALL_OLD"}),
    ]
    came: list[object] = []
    for operation, parameters in steps:
        try:
            said = await call(operation, TableName=name, **parameters)
        except ClientError as error:
            said = dict(error.response)
        # The SDK leaves this header where it is.
        for added in ("ResponseMetadata", "message"):
            said.pop(added, None)
        came.append((operation, said))
    many = {name: {"Keys": [key]}}
    said = await call("batch_get_item", RequestItems=many)
    came.append((said["Responses"], said.get("UnprocessedKeys")))
    return came


@pytest.mark.parametrize("direct", [True, False])
async def test_a_request_is_signed_and_asks_for_nothing_coded(
    direct: bool,  # noqa: FBT001 - a parameter of the test
    wire: LoopbackServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-a-session")
    wire.play(answer({"Item": LAMP}))

    async with opened(direct=direct) as database:
        await database.call("get_item", TableName="t", Key={"id": {"S": "1"}})

    sent = wire.requests[0].headers
    asked = {"TableName": "t", "Key": {"id": {"S": "1"}}, "ReturnConsumedCapacity": "TOTAL"}
    assert wire.requests[0].json == asked
    assert sent["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert sent["x-amz-security-token"] == "token-of-a-session"
    assert sent["accept-encoding"] == "identity"
    assert sent["authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
    assert "/us-east-1/dynamodb/aws4_request" in sent["authorization"]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
        {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
        {"AWS_ACCOUNT_ID": "111122223333"},
        {"AWS_ACCOUNT_ID": "111122223333", "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled"},
        {"AWS_ENDPOINT_URL": "https://dynamodb.of.ours.example"},
        {"AWS_ENDPOINT_URL": "https://ours.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {"AWS_CONFIG_FILE": "config"},
    ],
    ids=lambda environ: ",".join(environ) or "as it comes",
)
@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1"])
async def test_both_transports_reach_the_same_host_through_a_proxy(
    environ: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # In some partitions the SDK's rules have no dual stack, so neither transport has an address.
    (tmp_path / "config").write_text(
        "[default]\nservices = own\n[services own]\ndynamodb =\n"
        "  endpoint_url = https://dynamodb.of.the.profile\n"
    )
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB")
    monkeypatch.chdir(tmp_path)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    asked = []
    for direct in (True, False):
        with proxy() as heard:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{heard.port}")
            with suppress(UnavailableError):
                async with opened(direct=direct, region=region) as database:
                    await database.call("get_item", TableName="t", Key={"id": {"S": "1"}})
            asked.append(set(heard.lines))

    assert asked[0] == asked[1]
    assert all(line.startswith(b"CONNECT ") for line in asked[0])


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("before", ["", "//", "http://"], ids=["none", "slashes", "http"])
async def test_the_address_of_a_proxy_needs_no_scheme(
    before: str,
    direct: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB")
    with proxy() as heard:
        monkeypatch.setenv("HTTPS_PROXY", f"{before}127.0.0.1:{heard.port}")
        async with opened(direct=direct) as database:
            with pytest.raises(UnavailableError):
                await database.call("get_item", TableName="t", Key={"id": {"S": "1"}})

    assert set(heard.lines) == {b"CONNECT dynamodb.us-east-1.amazonaws.com:443 HTTP/1.1"}


async def test_an_address_that_the_http_client_does_not_take_is_unavailable(
    wire: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = wire.url.replace("//", "//ann:secret@")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", named)

    async with opened() as database:
        with pytest.raises(UnavailableError):
            await database.call("get_item", TableName="t", Key={"id": {"S": "1"}})


async def test_the_environment_can_exclude_a_host_from_the_proxy(
    wire: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.play(answer({}), answer({}))
    with proxy() as heard:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{heard.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with opened() as database:
            await database.call("get_item", TableName="t", Key={"id": {"S": "1"}})

    assert heard.lines == []
    assert len(wire.requests) == 1


async def test_a_password_of_a_netrc_is_not_sent(
    wire: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    wire.play(answer({}))

    async with opened() as database:
        await database.call("get_item", TableName="t", Key={"id": {"S": "1"}})

    assert wire.requests[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 ")


@pytest.mark.parametrize("direct", [True, False])
async def test_a_damaged_answer_is_requested_again_and_never_used(
    direct: bool,  # noqa: FBT001
    wire: LoopbackServer,
) -> None:
    whole = json.dumps({"Item": LAMP}).encode()
    checksum = {"x-amz-crc32": str(zlib.crc32(whole))}
    damaged = Reply(200, ID | checksum, [whole.replace(b"19.99", b"99.99")])
    wire.play(damaged, Reply(200, ID | checksum, [whole]), damaged, damaged)

    async with opened(direct=direct) as database:
        said = await database.call("get_item", TableName="t", Key={"id": {"S": "1"}})
        with pytest.raises(UnavailableError):
            await database.call("get_item", TableName="t", Key={"id": {"S": "1"}})

    assert said["Item"] == LAMP
    assert len(wire.requests) == 4


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize(
    "damaged", [refusal("ConditionalCheckFailedException"), answer({})], ids=["refused", "written"]
)
async def test_what_a_damaged_answer_says_of_a_write_is_not_believed(
    damaged: Reply,
    direct: bool,  # noqa: FBT001
    wire: LoopbackServer,
) -> None:
    damaged = Reply(damaged.status, {**damaged.headers, "x-amz-crc32": "1"}, damaged.chunks)
    wire.play(damaged, damaged)

    async with opened(direct=direct) as database:
        with pytest.raises(UnavailableError):
            await database.call("put_item", TableName="t", Item=LAMP)


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("operation", ["scan", "query"])
async def test_a_list_whose_pages_lead_to_themselves_ends(
    operation: str,
    direct: bool,  # noqa: FBT001
    wire: LoopbackServer,
) -> None:
    wire.answer = lambda _: answer({"Items": [LAMP], "LastEvaluatedKey": {"id": {"S": "1"}}})
    found: list[str] = []

    async with opened(direct=direct) as database:
        table = Table(database, "t")
        pages = table.scan() if operation == "scan" else table.query("index", "key", "value")
        with pytest.raises(UnavailableError) as raised:
            await _read(pages, into=found)

    assert "names the key it began with" in str(raised.value.__cause__)
    assert (found, len(wire.requests)) == (["1"], 2)


@pytest.mark.parametrize(
    "pages_of",
    [
        Table.scan,
        lambda table: table.query("index", "key", "value"),
        lambda table: query_keys(table, ORDERS_BY_EMAIL, ["key"]),
    ],
    ids=["scan", "query", "query of keys"],
)
@pytest.mark.parametrize(("circle", "empty"), [(2, True), (2, False), (50, False)])
async def test_a_list_whose_pages_lead_in_a_circle_breaks_off(
    circle: int,
    empty: bool,  # noqa: FBT001
    pages_of: Callable[[Table], Pages[Item]],
    wire: LoopbackServer,
) -> None:
    def page(request: Request) -> Reply:
        start = request.json.get("ExclusiveStartKey", {"id": {"S": "0"}})
        place = {"id": {"S": str((int(start["id"]["S"]) + 1) % circle)}}
        item = place | {"createdAt": {"S": "2026"}, "emailKey": {"S": "key"}}
        return answer({"Items": [] if empty else [item], "LastEvaluatedKey": place})

    wire.answer = page

    async with opened() as database:
        with pytest.raises(UnavailableError) as raised:
            await _read(pages_of(Table(database, "t")), into=[])

    assert "lead in a circle" in str(raised.value.__cause__)
    assert len(wire.requests) <= 4 * circle


async def test_a_product_that_is_never_read_is_not_asked_for_without_a_break(
    wire: LoopbackServer,
) -> None:
    def refuse_one(request: Request) -> Reply:
        return answer({"Responses": {"t": [LAMP]}, "UnprocessedKeys": request.json["RequestItems"]})

    wire.answer = refuse_one
    database = Database(new_session("us-east-1"), within=1, direct=True)
    await database.open()
    with pytest.raises(UnavailableError):
        await Table(database, "t").get_many(["1", "2"])
    await database.close()

    assert len(wire.requests) <= 21


async def _read(pages: Pages[Item], into: list[str]) -> None:
    async for page in pages:
        into += [item["id"] for item in page.items]


async def test_an_outage_is_not_answered_with_twice_the_load(wire: LoopbackServer) -> None:
    wire.answer = lambda _: refusal("InternalServerError", 500)

    async with opened() as database:
        calls = [
            database.call("get_item", TableName="t", Key={"id": {"S": "1"}}) for _ in range(150)
        ]
        came = await asyncio.gather(*calls, return_exceptions=True)

    assert {type(each) for each in came} == {UnavailableError}
    # The SDK's "standard" retries have 500 tokens, and a second attempt costs five. On a busy
    # machine some calls have no time for theirs.
    assert len(wire.requests) <= 250


class Heard:
    """The requests that a proxy got."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.lines: list[bytes] = []


@contextmanager
def proxy() -> Iterator[Heard]:
    """Run a proxy that records the hosts it should connect to, and refuses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard = Heard(listener.getsockname()[1])

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    line = connection.recv(65_536).partition(b"\r\n")[0]
                    if line:
                        heard.lines.append(line)
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield heard
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
